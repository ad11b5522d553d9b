// conv2d by Winograd's minimal filtering: the gradient to the outputs of a tile at six points along both axes.
//
//   transformed[6 * i + j][tile][o] = sum over y, x of A[i][y] * grad_output[n, ty * STEP + y, tx * STEP + x, o] * A[j][x]
//
// A is that of winograd_output.wgsl: a line of outputs is taken for a polynomial, of which this gives the values at the
// finite points, and the last coefficient for infinity.
//
// grad_output  [n][height][width][quads] vec4 over output channels
// transformed  [36][tile][quads] vec4 over output channels; the tiles past the last are zero
//
// An invocation owns one quad of one tile; neighbours own neighbouring quads. Sizes are in the uniform, not overrides,
// so that all layers share one pipeline.
//
// The lines along y are taken one after another, in a loop, and added up with the matrix's numbers from a table: some
// drivers take seconds to compile all the loads written out, and the additions cost nothing beside the loads and stores.

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
    quads: u32,
    // How many tiles there are along height and width of a sample.
    rows: u32,
    columns: u32,
    // All tiles, and those that only fill the last block.
    tiles: u32,
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
    let index = ((tile.sample * params.height + tile.y + y) * params.width + tile.x + x) * params.quads + tile.quad;
    return select(vec4(0.0), load(grad_output[select(0u, index, inside)]), inside);
}

fn row(tile: Tile, y: u32) -> Line {
    return transform(Outputs(pixel(tile, y, 0u), pixel(tile, y, 1u), pixel(tile, y, 2u), pixel(tile, y, 3u)));
}

// What row y of a tile adds to each of the six points: column y of A, its first and its last three. Which row is the
// last, infinity's, depends on STEP.
const LOW = array<vec3<f32>, 4>(
    vec3(1.0, 1.0, 1.0),
    vec3(0.0, 0.5 * ROOT, -0.5 * ROOT),
    vec3(0.0, 0.5, 0.5),
    vec3(0.0, 0.25 * ROOT, -0.25 * ROOT),
);
const HIGH = array<vec2<f32>, 4>(
    vec2(1.0, 1.0),
    vec2(ROOT, -ROOT),
    vec2(2.0, 2.0),
    vec2(2.0 * ROOT, -2.0 * ROOT),
);

fn add(to: Line, weight: f32, line: Line) -> Line {
    return Line(
        to.a + weight * line.a,
        to.b + weight * line.b,
        to.c + weight * line.c,
        to.d + weight * line.d,
        to.e + weight * line.e,
        to.f + weight * line.f,
    );
}

fn put(index: u32, row: u32, line: Line) {
    let point = params.tiles * params.quads;
    let first = 6u * row * point + index;
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
    let linear = index / params.quads;
    let tile = Tile(
        linear / (params.rows * params.columns),
        linear / params.columns % params.rows * STEP,
        linear % params.columns * STEP,
        index % params.quads,
    );
    var a = Line();
    var b = Line();
    var c = Line();
    var d = Line();
    var e = Line();
    var f = Line();
    for (var y = 0u; y < STEP; y++) {
        let line = row(tile, y);
        let low = LOW[y];
        let high = HIGH[y];
        a = add(a, low.x, line);
        b = add(b, low.y, line);
        c = add(c, low.z, line);
        d = add(d, high.x, line);
        e = add(e, high.y, line);
        f = add(f, select(0.0, 1.0, y + 1u == STEP), line);
    }
    put(index, 0u, a);
    put(index, 1u, b);
    put(index, 2u, c);
    put(index, 3u, d);
    put(index, 4u, e);
    put(index, 5u, f);
}
