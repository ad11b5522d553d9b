// conv2d by Winograd's minimal filtering: the input's tiles at six points along both axes.
//
//   transformed[6 * i + j][tile][c] = sum over y, x of B[i][y] * input[n, ty * STEP - pad_top + y, ..., c] * B[j][x]
//
// B is that of the points 0, sqrt(1/2), -sqrt(1/2), sqrt(2), -sqrt(2) and infinity (Lavin and Gray 2015, Fast algorithms
// for convolutional neural networks, with 1 and 2, which cost three times the error). A tile is 6 x 6 pixels, of which a kernel of 3 x 3 makes 4 x 4 outputs and one of 5 x 5 makes 2 x 2: the
// points, and so this transform, are the same for both. Tiles lie STEP pixels apart, as many as a tile has outputs;
// pixels outside the image are zero.
//
// input        [n][height][width][quads] vec4 over channels
// transformed  [36][tile / 8][quads][tile % 8] vec4 over channels; the tiles past the last are zero
//
// Eight tiles side by side are what a subgroup of winograd_product_subgroup.wgsl loads at once. An invocation owns one
// quad of one tile: 36 loads and 36 stores; neighbours own neighbouring vec4 of the
// result. Sizes are in the uniform, not overrides, so that all layers share one pipeline.
//
// The lines along y are taken one after another, in a loop, and added up with the matrix's numbers from a table: some
// drivers take seconds to compile all the loads written out, and the additions cost nothing beside the loads and stores.

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
    // How far apart they lie.
    step: u32,
    pad_top: i32,
    pad_left: i32,
    // All tiles, and those that only fill the last block.
    tiles: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read_write> transformed: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

// The pixels of a line of a tile, or its values at the six points.
struct Line {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
    f: vec4<f32>,
}

const ROOT: f32 = 1.4142135623730951;

fn transform(d: Line) -> Line {
    let even = d.e - 2.0 * d.c;
    let odd = 0.5 * ROOT * d.d - ROOT * d.b;
    let even2 = d.e - 0.5 * d.c;
    let odd2 = ROOT * d.d - 0.5 * ROOT * d.b;
    return Line(
        d.a - 2.5 * d.c + d.e,
        even + odd,
        even - odd,
        even2 + odd2,
        even2 - odd2,
        d.b - 2.5 * d.d + d.f,
    );
}

// Where a tile begins in the image, and the index of the image's first quad of its channels.
struct Tile {
    y: i32,
    x: i32,
    first: u32,
    inside: bool,
}

fn pixel(tile: Tile, y: i32, x: i32) -> vec4<f32> {
    let at = vec2(tile.x + x, tile.y + y);
    let inside = tile.inside & all(at >= vec2(0)) & all(at < vec2(i32(params.width), i32(params.height)));
    let index = tile.first + (u32(at.y) * params.width + u32(at.x)) * params.quads;
    return select(vec4(0.0), load(input[select(0u, index, inside)]), inside);
}

fn row(tile: Tile, y: i32) -> Line {
    return transform(Line(
        pixel(tile, y, 0),
        pixel(tile, y, 1),
        pixel(tile, y, 2),
        pixel(tile, y, 3),
        pixel(tile, y, 4),
        pixel(tile, y, 5),
    ));
}

// What row y of a tile adds to each of the six points: column y of B, its first and its last three.
const LOW = array<vec3<f32>, 6>(
    vec3(1.0, 0.0, 0.0),
    vec3(0.0, -ROOT, ROOT),
    vec3(-2.5, -2.0, -2.0),
    vec3(0.0, 0.5 * ROOT, -0.5 * ROOT),
    vec3(1.0, 1.0, 1.0),
    vec3(0.0),
);
const HIGH = array<vec3<f32>, 6>(
    vec3(0.0),
    vec3(-0.5 * ROOT, 0.5 * ROOT, 1.0),
    vec3(-0.5, -0.5, 0.0),
    vec3(ROOT, -ROOT, -2.5),
    vec3(1.0, 1.0, 0.0),
    vec3(0.0, 0.0, 1.0),
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
    let quad = index / 8u % params.quads;
    let linear = index / 8u / params.quads * 8u + index % 8u;
    let sample = linear / (params.rows * params.columns);
    let tile = Tile(
        i32(linear / params.columns % params.rows * params.step) - params.pad_top,
        i32(linear % params.columns * params.step) - params.pad_left,
        sample * params.height * params.width * params.quads + quad,
        sample < params.batch,
    );
    var a = Line();
    var b = Line();
    var c = Line();
    var d = Line();
    var e = Line();
    var f = Line();
    for (var y = 0u; y < 6u; y++) {
        let line = row(tile, i32(y));
        let low = LOW[y];
        let high = HIGH[y];
        a = add(a, low.x, line);
        b = add(b, low.y, line);
        c = add(c, low.z, line);
        d = add(d, high.x, line);
        e = add(e, high.y, line);
        f = add(f, high.z, line);
    }
    put(index, 0u, a);
    put(index, 1u, b);
    put(index, 2u, c);
    put(index, 3u, d);
    put(index, 4u, e);
    put(index, 5u, f);
}
