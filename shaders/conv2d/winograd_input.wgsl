// conv2d by Winograd's minimal filtering: the input's tiles at six or eight points along both axes.
//
//   transformed[SIDE * i + j][tile][c] = sum over y, x of B[i][y] * input[n, ty * step - pad_top + y, ..., c] * B[j][x]
//
// B is that of the points 0, sqrt(1/2), -sqrt(1/2), sqrt(2), -sqrt(2) and infinity (Lavin and Gray 2015, Fast algorithms
// for convolutional neural networks, with 1 and 2, which cost three times the error), or of 0, 1/2, -1/2, 1, -1, 2, -2
// and infinity. A tile is SIDE x SIDE pixels: of 6 x 6 a kernel of 3 x 3 makes 4 x 4 outputs and one of 5 x 5 makes
// 2 x 2, of 8 x 8 the latter makes 4 x 4. Tiles lie as many pixels apart as they have outputs; pixels outside the image
// are zero.
//
// input        [n][height][width][quads] vec4 over channels
// transformed  [tile / 8][SIDE * SIDE][quads][tile % 8] vec4 over channels, of one chunk of the tiles; those past the
//              last tile are zero
//
// Eight tiles side by side are what a subgroup of winograd_product_subgroup.wgsl loads at once, and all points of eight
// tiles lie together: with the tiles of a point together instead, an invocation's stores lay on 36 pages. An invocation
// owns one quad of one tile; neighbours own neighbouring vec4 of the result. All points of a tile are 144 registers or 256.
// A GPU has fewer for as many invocations as it wants: there two of them have half of the lines each (HALVES), and read the
// same pixels. Sizes are in the uniform, not overrides, so that all layers share one pipeline.
//
// What is read is taken one after another and added up with the matrix's numbers along both axes: some drivers take seconds
// to compile all loads and stores written out, and the additions cost little beside these. The numbers are picked, not read
// from a table, which such drivers copy at every reading.

override SIDE: u32 = 6;
// Whether an invocation has half of the lines, as on a GPU, and loops count up to constants, so that several loads are under
// way at once. A processor's driver would write such loops out, and take seconds to compile them.
override HALVES: bool = false;

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
    // SIDE
    side: u32,
    pad_top: i32,
    pad_left: i32,
    // The tiles of the chunk: the first, and how many, with those that only fill the last block.
    first: u32,
    tiles: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read_write> transformed: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

const ROOT: f32 = 1.4142135623730951;

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

// SIDE, as loops count up to it.
fn side() -> u32 {
    return select(params.side, SIDE, HALVES);
}

// Column y of B: what row y of a tile adds to each of the points. Of 0 and infinity it adds to one, which is the first
// number; the others are of the positive points.
fn column_of_matrix(y: u32) -> vec4<f32> {
    let end = vec4(1.0, 0.0, 0.0, 0.0);
    let odd = y % 2u == 1u;
    if (SIDE == 8u) {
        let second = select(vec4(-5.25, 4.0, 1.0, 0.25), vec4(-1.0, 2.0, 1.0, 0.5), odd);
        let third = select(vec4(5.25, -5.0, -4.25, -1.25), vec4(5.25, -2.5, -4.25, -2.5), odd);
        let fourth = select(vec4(-1.0, 1.0, 1.0, 1.0), vec4(-5.25, 0.5, 1.0, 2.0), odd);
        let either = select(select(end, second, (y == 1u) | (y == 2u)), third, (y == 3u) | (y == 4u));
        return select(either, fourth, (y == 5u) | (y == 6u));
    }
    let second = select(vec4(-2.5, -2.0, -0.5, 0.0), vec4(1.0, -ROOT, -0.5 * ROOT, 0.0), odd);
    let third = select(vec4(1.0, 1.0, 1.0, 0.0), vec4(-2.5, 0.5 * ROOT, ROOT, 0.0), odd);
    return select(select(end, second, (y == 1u) | (y == 2u)), third, (y == 3u) | (y == 4u));
}

fn row(tile: Tile, y: u32) -> Line {
    var line = Line();
    for (var x = 0u; x < side(); x++) {
        let value = pixel(tile, i32(y), i32(x));
        let weights = weights(x);
        line = Line(
            fma(vec4(weights.first.x), value, line.a),
            fma(vec4(weights.first.y), value, line.b),
            fma(vec4(weights.first.z), value, line.c),
            fma(vec4(weights.first.w), value, line.d),
            fma(vec4(weights.last.x), value, line.e),
            fma(vec4(weights.last.y), value, line.f),
            fma(vec4(weights.last.z), value, line.g),
            fma(vec4(weights.last.w), value, line.h),
        );
    }
    return line;
}

// section lines: how lines of a tile become lines of points. Nothing is put here; the kernel for the gradient to the output
// and that for the input share it.
// Values at the points, of which there are SIDE.
struct Line {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
    f: vec4<f32>,
    g: vec4<f32>,
    h: vec4<f32>,
}

// What row or column y of a tile adds to the points along its axis, which begin with those of 0 and a positive point: to a negative one as
// much as to the positive one, or the opposite where y is odd.
struct Weights {
    first: vec4<f32>,
    last: vec4<f32>,
}

fn weights(y: u32) -> Weights {
    let column = column_of_matrix(y);
    let odd = y % 2u == 1u;
    let zero = select(column.x, 0.0, odd);
    let infinity = select(0.0, column.x, odd);
    let negative = select(column.yzw, -column.yzw, odd);
    let first = vec4(zero, column.y, negative.x, column.z);
    if (SIDE == 8u) {
        return Weights(first, vec4(negative.y, column.w, negative.z, infinity));
    }
    return Weights(first, vec4(negative.y, infinity, 0.0, 0.0));
}

// The weights of the lines that an invocation owns: where it has the second half of them, these come first.
fn own_weights(y: u32, half: u32) -> Weights {
    let all = weights(y);
    let second = select(vec4(all.first.w, all.last.xyz), all.last, SIDE == 8u);
    return Weights(select(all.first, second, half == 1u), all.last);
}

fn add(to: Line, weight: f32, line: Line) -> Line {
    return Line(
        fma(vec4(weight), line.a, to.a),
        fma(vec4(weight), line.b, to.b),
        fma(vec4(weight), line.c, to.c),
        fma(vec4(weight), line.d, to.d),
        fma(vec4(weight), line.e, to.e),
        fma(vec4(weight), line.f, to.f),
        fma(vec4(weight), line.g, to.g),
        fma(vec4(weight), line.h, to.h),
    );
}

// One of the lines' values, for an index that a loop counts.
fn pick(
    i: u32,
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
    f: vec4<f32>,
    g: vec4<f32>,
    h: vec4<f32>,
) -> vec4<f32> {
    let first = select(select(a, b, i == 1u), select(c, d, i == 3u), i > 1u);
    if (HALVES) {
        return first;
    }
    var last = select(e, f, i == 5u);
    if (SIDE == 8u) {
        last = select(last, select(g, h, i == 7u), i > 5u);
    }
    return select(first, last, i > 3u);
}

// Stores a line of points: `index` counts the quads of tiles.
fn put(index: u32, row: u32, line: Line) {
    let point = 8u * params.quads;
    let first = (index / point * SIDE + row) * SIDE * point + index % point;
    transformed[first] = line.a;
    transformed[first + point] = line.b;
    transformed[first + 2u * point] = line.c;
    transformed[first + 3u * point] = line.d;
    transformed[first + 4u * point] = line.e;
    transformed[first + 5u * point] = line.f;
    if (SIDE == 8u) {
        transformed[first + 6u * point] = line.g;
        transformed[first + 7u * point] = line.h;
    }
}
// end lines

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let workgroup = group.x + group.y * groups.x;
    // Of the workgroups of two halves of the lines, neighbours read the same pixels.
    let half = select(0u, workgroup % 2u, HALVES);
    let index = select(workgroup, workgroup / 2u, HALVES) * 64u + local;
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
    var g = Line();
    var h = Line();
    for (var y = 0u; y < side(); y++) {
        let line = row(tile, y);
        let weights = own_weights(y, half);
        a = add(a, weights.first.x, line);
        b = add(b, weights.first.y, line);
        c = add(c, weights.first.z, line);
        d = add(d, weights.first.w, line);
        e = add(e, weights.last.x, line);
        f = add(f, weights.last.y, line);
        g = add(g, weights.last.z, line);
        h = add(h, weights.last.w, line);
    }
    let count = select(side(), SIDE / 2u, HALVES);
    for (var i = 0u; i < count; i++) {
        put(index, SIDE / 2u * half + i, Line(
            pick(i, a.a, b.a, c.a, d.a, e.a, f.a, g.a, h.a),
            pick(i, a.b, b.b, c.b, d.b, e.b, f.b, g.b, h.b),
            pick(i, a.c, b.c, c.c, d.c, e.c, f.c, g.c, h.c),
            pick(i, a.d, b.d, c.d, d.d, e.d, f.d, g.d, h.d),
            pick(i, a.e, b.e, c.e, d.e, e.e, f.e, g.e, h.e),
            pick(i, a.f, b.f, c.f, d.f, e.f, f.f, g.f, h.f),
            pick(i, a.g, b.g, c.g, d.g, e.g, f.g, g.g, h.g),
            pick(i, a.h, b.h, c.h, d.h, e.h, f.h, g.h, h.h),
        ));
    }
}
