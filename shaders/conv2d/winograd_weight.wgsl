// conv2d by Winograd's minimal filtering: the kernels at six or eight points along both axes.
//
//   transformed[SIDE * i + j][c][o] = sum over ky, kx of G[i][ky] * weight[ky][kx][c][o] * G[j][kx]
//
// A line of taps is taken for a polynomial; G gives its values at the finite points, and its last coefficient, which
// stands for infinity, over the products of the differences of the points (winograd_input.wgsl). Where TURNED is 1, as
// for the gradient to the input, c and o change places and the taps their order: the weight is then read as
//
//   weight[SIZE - 1 - ky][SIZE - 1 - kx][o][c]
//
// weight       [SIZE][SIZE][rows][columns], columns = its second channels, rows = its first ones, both padded to whole quads
// transformed  [SIDE * SIDE][rows][columns], rows = the c, columns = the o of one chunk, padded to whole quads. Where BLOCKS
//              is 1, [SIDE * SIDE][rows / 4][columns / 4][4][4]: what an invocation multiplies a quad of the c with lies
//              together
//
// An invocation owns one c and one o, not a quad of them: the code is a quarter as long, which is what compiling it
// takes, and neighbours still read and write neighbouring words. A weight is small beside what it is multiplied with, so
// that the scattered reads of a turned one do not matter.

override SIZE: u32 = 3;
override SIDE: u32 = 6;
override TURNED: u32 = 0;
override BLOCKS: u32 = 0;
// Whether loops count up to what the uniform says. Where a driver knows how far, it may write them out: on a GPU several
// loads are under way at once then; a processor's driver takes seconds to compile all of them.
override ROLLED: bool = false;

struct Params {
    // The quads of the channels c, and of all o.
    inputs: u32,
    outputs: u32,
    // The quads of the o of the chunk: the first, and how many.
    first_quad: u32,
    quads: u32,
    // SIDE and SIZE
    side: u32,
    size: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> transformed: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

// Values at the points, of which there are SIDE.
struct Line {
    a: f32,
    b: f32,
    c: f32,
    d: f32,
    e: f32,
    f: f32,
    g: f32,
    h: f32,
}

const ROOT: f32 = 1.4142135623730951;

// SIDE and SIZE, as loops count up to them.
fn side() -> u32 {
    return select(SIDE, params.side, ROLLED);
}

fn size() -> u32 {
    return select(SIZE, params.size, ROLLED);
}

fn power_of_two(exponent: i32) -> f32 {
    return bitcast<f32>(u32(127 + exponent) << 23u);
}

// Column k of G: what tap k of a line adds to the positive points. They are powers of these, over the products of the
// differences of the points.
fn column_of_g(k: u32) -> vec3<f32> {
    if (SIDE == 8u) {
        return vec3(32.0 / 45.0 * power_of_two(-i32(k)), -1.0 / 4.5, 1.0 / 90.0 * power_of_two(i32(k)));
    }
    let pairs = i32(k / 2u);
    let odd = select(vec2(1.0), vec2(0.5 * ROOT, ROOT), k % 2u == 1u);
    return vec3(odd * vec2(-1.0 / 1.5 * power_of_two(-pairs), 1.0 / 6.0 * power_of_two(pairs)), 0.0);
}

// What row or column k of a kernel adds to the points along its axis, which begin with 0 and a positive point: to a negative
// one as much as to the positive one, or the opposite where k is odd.
struct Weights {
    first: vec4<f32>,
    last: vec4<f32>,
}

fn weights(k: u32) -> Weights {
    let column = column_of_g(k);
    let zero = select(0.0, 1.0, k == 0u);
    let infinity = select(0.0, 1.0, k + 1u == SIZE);
    let negative = select(column, -column, k % 2u == 1u);
    let first = vec4(zero, column.x, negative.x, column.y);
    if (SIDE == 8u) {
        return Weights(first, vec4(negative.y, column.z, negative.z, infinity));
    }
    return Weights(first, vec4(negative.y, infinity, 0.0, 0.0));
}

fn tap(ky: u32, kx: u32, row: u32, column: u32) -> f32 {
    if (TURNED == 0u) {
        return weight[((ky * SIZE + kx) * 4u * params.inputs + row) * 4u * params.outputs + column];
    }
    let tap = (SIZE - 1u - ky) * SIZE + SIZE - 1u - kx;
    return weight[(tap * 4u * params.outputs + column) * 4u * params.inputs + row];
}

fn along(ky: u32, row: u32, column: u32) -> Line {
    var line = Line();
    for (var kx = 0u; kx < size(); kx++) {
        line = add(line, weights(kx), tap(ky, kx, row, column));
    }
    return line;
}

// A line and so much of a number for each of its points.
fn add(to: Line, weights: Weights, number: f32) -> Line {
    return Line(
        fma(weights.first.x, number, to.a),
        fma(weights.first.y, number, to.b),
        fma(weights.first.z, number, to.c),
        fma(weights.first.w, number, to.d),
        fma(weights.last.x, number, to.e),
        fma(weights.last.y, number, to.f),
        fma(weights.last.z, number, to.g),
        fma(weights.last.w, number, to.h),
    );
}

// One of a line's values, for an index that a loop counts.
fn pick(i: u32, line: Line) -> f32 {
    let first = select(select(line.a, line.b, i == 1u), select(line.c, line.d, i == 3u), i > 1u);
    var last = select(line.e, line.f, i == 5u);
    if (SIDE == 8u) {
        last = select(last, select(line.g, line.h, i == 7u), i > 5u);
    }
    return select(first, last, i > 3u);
}

fn put(index: u32, row: u32, line: Line) {
    let point = 16u * params.inputs * params.quads;
    let first = SIDE * row * point + index;
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

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = (group.x + group.y * groups.x) * 64u + local;
    if (index >= 16u * params.inputs * params.quads) {
        return;
    }
    var row = index / (4u * params.quads);
    var column = 4u * params.first_quad + index % (4u * params.quads);
    if (BLOCKS == 1u) {
        let block = index / 16u;
        row = block / params.quads * 4u + index / 4u % 4u;
        column = (params.first_quad + block % params.quads) * 4u + index % 4u;
    }
    // The points along y, for each point along x.
    var a = Line();
    var b = Line();
    var c = Line();
    var d = Line();
    var e = Line();
    var f = Line();
    var g = Line();
    var h = Line();
    for (var ky = 0u; ky < size(); ky++) {
        let line = along(ky, row, column);
        let weights = weights(ky);
        a = add(a, weights, line.a);
        b = add(b, weights, line.b);
        c = add(c, weights, line.c);
        d = add(d, weights, line.d);
        e = add(e, weights, line.e);
        f = add(f, weights, line.f);
        g = add(g, weights, line.g);
        h = add(h, weights, line.h);
    }
    for (var i = 0u; i < side(); i++) {
        put(index, i, Line(
            pick(i, a),
            pick(i, b),
            pick(i, c),
            pick(i, d),
            pick(i, e),
            pick(i, f),
            pick(i, g),
            pick(i, h),
        ));
    }
}
