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

struct Params {
    // The quads of the channels c, and of all o.
    inputs: u32,
    outputs: u32,
    // The quads of the o of the chunk: the first, and how many.
    first_quad: u32,
    quads: u32,
    // SIDE
    side: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read_write> transformed: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

// Up to five taps.
struct Taps {
    a: f32,
    b: f32,
    c: f32,
    d: f32,
    e: f32,
}

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

fn transform(g: Taps) -> Line {
    if (SIDE == 8u) {
        let even = (g.a + 0.25 * g.c + 0.0625 * g.e) * 32.0 / 45.0;
        let odd = (0.5 * g.b + 0.125 * g.d) * 32.0 / 45.0;
        let even1 = (g.a + g.c + g.e) / -4.5;
        let odd1 = (g.b + g.d) / -4.5;
        let even2 = (g.a + 4.0 * g.c + 16.0 * g.e) / 90.0;
        let odd2 = (2.0 * g.b + 8.0 * g.d) / 90.0;
        return Line(
            g.a,
            even + odd,
            even - odd,
            even1 + odd1,
            even1 - odd1,
            even2 + odd2,
            even2 - odd2,
            g.e,
        );
    }
    let even = (g.a + 0.5 * g.c + 0.25 * g.e) / -1.5;
    let odd = ROOT * (0.5 * g.b + 0.25 * g.d) / -1.5;
    let even2 = (g.a + 2.0 * g.c + 4.0 * g.e) / 6.0;
    let odd2 = ROOT * (g.b + 2.0 * g.d) / 6.0;
    let infinity = select(g.c, g.e, SIZE == 5u);
    return Line(g.a, even + odd, even - odd, even2 + odd2, even2 - odd2, infinity, 0.0, 0.0);
}

fn tap(ky: u32, kx: u32, row: u32, column: u32) -> f32 {
    if (kx >= SIZE) {
        return 0.0;
    }
    if (TURNED == 0u) {
        return weight[((ky * SIZE + kx) * 4u * params.inputs + row) * 4u * params.outputs + column];
    }
    let tap = (SIZE - 1u - ky) * SIZE + SIZE - 1u - kx;
    return weight[(tap * 4u * params.outputs + column) * 4u * params.inputs + row];
}

fn along(ky: u32, row: u32, column: u32) -> Line {
    return transform(Taps(
        tap(ky, 0u, row, column),
        tap(ky, 1u, row, column),
        tap(ky, 2u, row, column),
        tap(ky, 3u, row, column),
        tap(ky, 4u, row, column),
    ));
}

// One of a line's values, for an index that a loop counts.
fn pick(i: u32, line: Line) -> f32 {
    let first = select(select(line.a, line.b, i == 1u), select(line.c, line.d, i == 3u), i > 1u);
    let last = select(select(line.e, line.f, i == 5u), select(line.g, line.h, i == 7u), i > 5u);
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
    let first = along(0u, row, column);
    let second = along(1u, row, column);
    let third = along(2u, row, column);
    var fourth = Line();
    var fifth = Line();
    if (SIZE == 5u) {
        fourth = along(3u, row, column);
        fifth = along(4u, row, column);
    }
    let a = transform(Taps(first.a, second.a, third.a, fourth.a, fifth.a));
    let b = transform(Taps(first.b, second.b, third.b, fourth.b, fifth.b));
    let c = transform(Taps(first.c, second.c, third.c, fourth.c, fifth.c));
    let d = transform(Taps(first.d, second.d, third.d, fourth.d, fifth.d));
    let e = transform(Taps(first.e, second.e, third.e, fourth.e, fifth.e));
    let f = transform(Taps(first.f, second.f, third.f, fourth.f, fifth.f));
    let g = transform(Taps(first.g, second.g, third.g, fourth.g, fifth.g));
    let h = transform(Taps(first.h, second.h, third.h, fourth.h, fifth.h));
    // Where it knows how far a loop counts, a driver may write it out, and a processor's takes a second for that.
    for (var i = 0u; i < params.side; i++) {
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
