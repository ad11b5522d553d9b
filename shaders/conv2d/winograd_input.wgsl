// conv2d by Winograd's minimal filtering: the input's tiles at six points along both axes.
//
//   transformed[6 * i + j][tile][c] = sum over y, x of B[i][y] * input[n, ty * STEP - pad_top + y, ..., c] * B[j][x]
//
// B is that of the points 0, sqrt(1/2), -sqrt(1/2), sqrt(2), -sqrt(2) and infinity (Lavin and Gray 2015, Fast algorithms
// for convolutional neural networks, with 1 and 2, which cost three times the error). A tile is 6 x 6 pixels, of which a
// kernel of 3 x 3 makes 4 x 4 outputs and one of 5 x 5 makes 2 x 2: the points, and so this transform, are the same for
// both. Tiles lie STEP pixels apart, as many as a tile has outputs; pixels outside the image are zero.
//
// input        [n][height][width][quads] vec4 over channels
// transformed  [tile / 8][36][quads][tile % 8] vec4 over channels, of one chunk of the tiles; those past the last tile
//              are zero
//
// Eight tiles side by side are what a subgroup of winograd_product_subgroup.wgsl loads at once, and all points of eight
// tiles lie together: with the tiles of a point together instead, an invocation's stores lay on 36 pages. An invocation
// owns one quad of one tile: 36 loads and 36 stores; neighbours own neighbouring vec4 of the result. Sizes are in the
// uniform, not overrides, so that all layers share one pipeline.
//
// The lines along y are taken one after another, in a loop, and added up with the matrix's numbers: some drivers take
// seconds to compile all the loads written out, and the additions cost little beside the loads and stores. The numbers
// are picked, not read from a table, which such drivers copy at every reading.

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
    // The tiles of the chunk: the first, and how many, with those that only fill the last block.
    first: u32,
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

// Column y of B: what row y of a tile adds to each of the points. Of 0 and infinity it adds to one, which is the first
// number; the others are of sqrt(1/2) and sqrt(2). To the negative points it adds as much, or the opposite where y is odd.
fn column_of_b(y: u32) -> vec3<f32> {
    let even = select(select(vec3(1.0, 0.0, 0.0), vec3(-2.5, -2.0, -0.5), y == 2u), vec3(1.0), y == 4u);
    let low = select(vec3(1.0, -ROOT, -0.5 * ROOT), vec3(-2.5, 0.5 * ROOT, ROOT), y == 3u);
    return select(even, select(low, vec3(1.0, 0.0, 0.0), y == 5u), y % 2u == 1u);
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

// Stores a line of points: `index` counts the invocations, eight tiles by all quads after another.
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
    let quad = index / 8u % params.quads;
    let linear = params.first + index / 8u / params.quads * 8u + index % 8u;
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
        let weights = column_of_b(y);
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
