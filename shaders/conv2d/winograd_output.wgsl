// conv2d by Winograd's minimal filtering: from the products at the points to the outputs of a tile.
//
//   output[n, ty * STEP + y, tx * STEP + x, o] = bias[o] + sum over i, j of A[i][y] * product[SIDE * i + j][tile][o] * A[j][x]
//
// A[i][y] is the y-th power of the i-th of the finite points; infinity adds to the last y of a tile alone
// (winograd_input.wgsl). STEP is 4, but 2 for a kernel of 5 x 5 at 6 x 6 points.
//
// product  [tile / 8][SIDE * SIDE][tile % 8][quads] vec4 over output channels, of one chunk of the tiles or of the channels
// bias     [channels] vec4, read where BIAS is 1
// output   [n][height][width][channels] vec4
//
// An invocation owns one quad of one tile; neighbours own neighbouring quads. Sizes are in the uniform, not overrides,
// so that all layers share one pipeline.
//
// What is read is taken one after another and added up with the matrix's numbers along both axes: some drivers take seconds
// to compile all loads and stores written out, and the additions cost little beside these. The numbers are picked, not read
// from a table, which such drivers copy at every reading.

override STEP: u32 = 4;
override SIDE: u32 = 6;
override BIAS: u32 = 0;
// Whether loops count up to what the uniform says. Where a driver knows how far, it may write them out: on a GPU several
// loads are under way at once then; a processor's driver takes seconds to compile all of them.
override ROLLED: bool = false;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

// section activation: what the scheduler fuses into the store. Another function is put here.
fn activate(x: vec4<f32>) -> vec4<f32> {
    return x;
}
// end activation

// section plain: how four numbers lie in memory that are read in single precision however activations are stored.
alias Plain = vec4<f32>;
fn load_plain(plain: Plain) -> vec4<f32> {
    return plain;
}
// end plain

struct Params {
    // The number of samples.
    batch: u32,
    height: u32,
    width: u32,
    channels: u32,
    // How many tiles there are along height and width of a sample.
    rows: u32,
    columns: u32,
    // The tiles of the chunk: the first, and how many, with those that only fill the last block.
    first: u32,
    tiles: u32,
    // Its quads of channels.
    first_quad: u32,
    quads: u32,
    // SIDE and STEP
    side: u32,
    step: u32,
}

@group(0) @binding(0) var<storage, read> product: array<Plain>;
@group(0) @binding(1) var<storage, read> bias: array<Plain>;
@group(0) @binding(2) var<storage, read_write> output: array<Quad>;
@group(0) @binding(3) var<uniform> params: Params;

// The outputs of a line, of which there are STEP.
struct Outputs {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
}

// SIDE and STEP, as loops count up to them.
fn side() -> u32 {
    return select(SIDE, params.side, ROLLED);
}

fn step() -> u32 {
    return select(STEP, params.step, ROLLED);
}

const ROOT: f32 = 1.4142135623730951;

// Row i of A: what a point adds to the outputs along its axis, its powers. To which infinity adds depends on STEP.
fn row_of_a(i: u32) -> vec4<f32> {
    if (SIDE == 8u) {
        let point = select(select(2.0, 1.0, i < 5u), 0.5, i < 3u) * select(1.0, -1.0, i % 2u == 0u);
        let powers = vec4(1.0, point, point * point, point * point * point);
        return select(select(powers, vec4(1.0, 0.0, 0.0, 0.0), i == 0u), vec4(0.0, 0.0, 0.0, 1.0), i == 7u);
    }
    let square = select(2.0, 0.5, i < 3u);
    let point = select(ROOT, 0.5 * ROOT, i < 3u) * select(1.0, -1.0, i % 2u == 0u);
    let finite = select(vec4(1.0, point, square, square * point), vec4(1.0, 0.0, 0.0, 0.0), i == 0u);
    return select(finite, select(vec4(0.0, 0.0, 0.0, 1.0), vec4(0.0, 1.0, 0.0, 0.0), STEP == 2u), i == 5u);
}

fn line(index: u32, i: u32) -> Outputs {
    let point = 8u * params.quads;
    let first = (index / point * SIDE + i) * SIDE * point + index % point;
    var outputs = Outputs();
    for (var j = 0u; j < side(); j++) {
        let value = load_plain(product[first + j * point]);
        let weights = row_of_a(j);
        outputs = Outputs(
            fma(vec4(weights.x), value, outputs.a),
            fma(vec4(weights.y), value, outputs.b),
            fma(vec4(weights.z), value, outputs.c),
            fma(vec4(weights.w), value, outputs.d),
        );
    }
    return outputs;
}

fn add(to: Outputs, weight: f32, line: Outputs) -> Outputs {
    return Outputs(
        fma(vec4(weight), line.a, to.a),
        fma(vec4(weight), line.b, to.b),
        fma(vec4(weight), line.c, to.c),
        fma(vec4(weight), line.d, to.d),
    );
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(quad: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * quad) + vec4(0u, 1u, 2u, 3u) < vec4(params.channels));
}

struct Tile {
    sample: u32,
    y: u32,
    x: u32,
    quad: u32,
    start: vec4<f32>,
}

fn put(tile: Tile, y: u32, x: u32, value: vec4<f32>) {
    if ((tile.y + y < params.height) & (tile.x + x < params.width)) {
        let pixel = (tile.sample * params.height + tile.y + y) * params.width + tile.x + x;
        output[pixel * ((params.channels + 3u) / 4u) + tile.quad] = store(finished(tile.quad, tile.start + value));
    }
}

// One of a line's outputs, or of lines, for an index that a loop counts.
fn pick(i: u32, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> vec4<f32> {
    return select(select(a, b, i == 1u), select(c, d, i == 3u), i > 1u);
}

fn along(line: Outputs, x: u32) -> vec4<f32> {
    return pick(x, line.a, line.b, line.c, line.d);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = (group.x + group.y * groups.x) * 64u + local;
    let quad = params.first_quad + index % params.quads;
    let linear = params.first + index / params.quads;
    let sample = linear / (params.rows * params.columns);
    if ((index >= params.tiles * params.quads) | (sample >= params.batch)) {
        return;
    }
    let tile = Tile(
        sample,
        linear / params.columns % params.rows * STEP,
        linear % params.columns * STEP,
        quad,
        select(vec4(0.0), load_plain(bias[select(0u, quad, BIAS == 1u)]), BIAS == 1u),
    );
    var a = Outputs();
    var b = Outputs();
    var c = Outputs();
    var d = Outputs();
    for (var i = 0u; i < side(); i++) {
        let outputs = line(index, i);
        let weights = row_of_a(i);
        a = add(a, weights.x, outputs);
        b = add(b, weights.y, outputs);
        c = add(c, weights.z, outputs);
        d = add(d, weights.w, outputs);
    }
    for (var i = 0u; i < step() * step(); i++) {
        let y = i / STEP;
        let x = i % STEP;
        put(tile, y, x, pick(y, along(a, x), along(b, x), along(c, x), along(d, x)));
    }
}
