// conv2d by Winograd's minimal filtering: the gradient to the outputs of a tile at six points along both axes.
//
//   transformed[6 * i + j][tile][o] = sum over y, x of A[i][y] * grad_output[n, ty * STEP + y, tx * STEP + x, o] * A[j][x]
//
// A is that of winograd_output.wgsl: a line of outputs is taken for a polynomial, of which this gives the values at the
// finite points, and the last coefficient for infinity.
//
// grad_output  [n][height][width][quads] vec4 over output channels
// transformed  [tile / 8][36][tile % 8][quads] vec4 over output channels, of one chunk of the tiles or of the channels;
//              the tiles past the last are zero
//
// An invocation owns one quad of one tile; neighbours own neighbouring quads. Sizes are in the uniform, not overrides,
// so that all layers share one pipeline.
//
// The lines along y are taken one after another, in a loop, and added up with the matrix's numbers: some drivers take
// seconds to compile all the loads written out, and the additions cost little beside the loads and stores. The numbers
// are picked, not read from a table, which such drivers copy at every reading.

override STEP: u32 = 4;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

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
}

@group(0) @binding(0) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(1) var<storage, read_write> transformed: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

// The outputs of a line, of which there are STEP.
struct Outputs {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
}

// Values at the six points.
struct Line {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
    f: vec4<f32>,
}

const ROOT: f32 = 1.4142135623730951;

fn transform(y: Outputs) -> Line {
    let even = y.a + 0.5 * y.c;
    let odd = ROOT * (0.5 * y.b + 0.25 * y.d);
    let even2 = y.a + 2.0 * y.c;
    let odd2 = ROOT * (y.b + 2.0 * y.d);
    return Line(y.a, even + odd, even - odd, even2 + odd2, even2 - odd2, select(y.d, y.b, STEP == 2u));
}

struct Tile {
    sample: u32,
    y: u32,
    x: u32,
    quad: u32,
}

fn pixel(tile: Tile, y: u32, x: u32) -> vec4<f32> {
    if (x >= STEP) {
        return vec4(0.0);
    }
    let inside = (tile.sample < params.batch) & (tile.y + y < params.height) & (tile.x + x < params.width);
    let pixel = (tile.sample * params.height + tile.y + y) * params.width + tile.x + x;
    let index = pixel * ((params.channels + 3u) / 4u) + tile.quad;
    return select(vec4(0.0), load(grad_output[select(0u, index, inside)]), inside);
}

fn row(tile: Tile, y: u32) -> Line {
    return transform(Outputs(pixel(tile, y, 0u), pixel(tile, y, 1u), pixel(tile, y, 2u), pixel(tile, y, 3u)));
}

// Column y of A: what row y of a tile adds to each of the points. Of 0 and infinity it adds to one at most, which is the
// first number; the others are of sqrt(1/2) and sqrt(2). To the negative points it adds as much, or the opposite where y
// is odd. Which row is the last, infinity's, depends on STEP.
fn column_of_a(y: u32) -> vec3<f32> {
    let even = select(vec3(1.0), vec3(0.0, 0.5, 2.0), y == 2u);
    let odd = select(vec2(0.5 * ROOT, ROOT), vec2(0.25 * ROOT, 2.0 * ROOT), y == 3u);
    return select(even, vec3(select(0.0, 1.0, y + 1u == STEP), odd), y % 2u == 1u);
}

fn add(to: Line, weight: f32, line: Line) -> Line {
    return Line(
        fma(vec4(weight), line.a, to.a),
        fma(vec4(weight), line.b, to.b),
        fma(vec4(weight), line.c, to.c),
        fma(vec4(weight), line.d, to.d),
        fma(vec4(weight), line.e, to.e),
        fma(vec4(weight), line.f, to.f),
    );
}

// Stores a line of points: `index` counts the invocations, tiles by quads.
fn put(index: u32, row: u32, line: Line) {
    let point = 8u * params.quads;
    let first = (index / point * 36u + 6u * row) * point + index % point;
    transformed[first] = line.a;
    transformed[first + point] = line.b;
    transformed[first + 2u * point] = line.c;
    transformed[first + 3u * point] = line.d;
    transformed[first + 4u * point] = line.e;
    transformed[first + 5u * point] = line.f;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = (group.x + group.y * groups.x) * 64u + local;
    if (index >= params.tiles * params.quads) {
        return;
    }
    let linear = params.first + index / params.quads;
    let tile = Tile(
        linear / (params.rows * params.columns),
        linear / params.columns % params.rows * STEP,
        linear % params.columns * STEP,
        params.first_quad + index % params.quads,
    );
    var a = Line();
    var b = Line();
    var c = Line();
    var d = Line();
    var e = Line();
    var f = Line();
    for (var y = 0u; y < STEP; y++) {
        let line = row(tile, y);
        let weights = column_of_a(y);
        let odd = y % 2u == 1u;
        a = add(a, select(weights.x, 0.0, odd), line);
        b = add(b, weights.y, line);
        c = add(c, select(weights.y, -weights.y, odd), line);
        d = add(d, weights.z, line);
        e = add(e, select(weights.z, -weights.z, odd), line);
        f = add(f, select(0.0, weights.x, odd), line);
    }
    put(index, 0u, a);
    put(index, 1u, b);
    put(index, 2u, c);
    put(index, 3u, d);
    put(index, 4u, e);
    put(index, 5u, f);
}
