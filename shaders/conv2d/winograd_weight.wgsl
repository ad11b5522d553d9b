// conv2d by Winograd's minimal filtering: the kernels at six points along both axes.
//
//   transformed[6 * i + j][c][o] = sum over ky, kx of G[i][ky] * weight[ky][kx][c][o] * G[j][kx]
//
// A line of taps is taken for a polynomial; G gives its values at the five finite points, and its last coefficient, which
// stands for infinity, over the products of the differences of the points (winograd_input.wgsl). Where TURNED is 1, as
// for the gradient to the input, c and o change places and the taps their order: the weight is then read as
//
//   weight[SIZE - 1 - ky][SIZE - 1 - kx][o][c]
//
// weight       [SIZE][SIZE][rows][columns], columns = its second channels, rows = its first ones, both padded to whole quads
// transformed  [36][rows][columns], rows = the c, columns = the o, padded to whole quads
//
// An invocation owns one c and one o, not a quad of them: the code is a quarter as long, which is what compiling it
// takes, and neighbours still read and write neighbouring words. A weight is small beside what it is multiplied with, so
// that the scattered reads of a turned one do not matter.
//
// The lines of taps are taken one after another, in a loop, and added up with the matrix's numbers from a table: that too
// is for the sake of compiling.

override SIZE: u32 = 3;
override TURNED: u32 = 0;

struct Params {
    // The quads of the channels c of the result, and of its o.
    inputs: u32,
    outputs: u32,
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

// Values at the six points.
struct Line {
    a: f32,
    b: f32,
    c: f32,
    d: f32,
    e: f32,
    f: f32,
}

const ROOT: f32 = 1.4142135623730951;

fn transform(g: Taps) -> Line {
    let even = (g.a + 0.5 * g.c + 0.25 * g.e) / -1.5;
    let odd = ROOT * (0.5 * g.b + 0.25 * g.d) / -1.5;
    let even2 = (g.a + 2.0 * g.c + 4.0 * g.e) / 6.0;
    let odd2 = ROOT * (g.b + 2.0 * g.d) / 6.0;
    return Line(g.a, even + odd, even - odd, even2 + odd2, even2 - odd2, select(g.c, g.e, SIZE == 5u));
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

// What the line ky of taps adds to each of the six points: column ky of G, its first and its last three. Which line is
// the last, infinity's, depends on SIZE.
const LOW = array<vec3<f32>, 5>(
    vec3(1.0, -1.0 / 1.5, -1.0 / 1.5),
    vec3(0.0, -0.5 * ROOT / 1.5, 0.5 * ROOT / 1.5),
    vec3(0.0, -0.5 / 1.5, -0.5 / 1.5),
    vec3(0.0, -0.25 * ROOT / 1.5, 0.25 * ROOT / 1.5),
    vec3(0.0, -0.25 / 1.5, -0.25 / 1.5),
);
const HIGH = array<vec2<f32>, 5>(
    vec2(1.0 / 6.0, 1.0 / 6.0),
    vec2(ROOT / 6.0, -ROOT / 6.0),
    vec2(2.0 / 6.0, 2.0 / 6.0),
    vec2(2.0 * ROOT / 6.0, -2.0 * ROOT / 6.0),
    vec2(4.0 / 6.0, 4.0 / 6.0),
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
    let point = 16u * params.inputs * params.outputs;
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
    if (index >= 16u * params.inputs * params.outputs) {
        return;
    }
    let row = index / (4u * params.outputs);
    let column = index % (4u * params.outputs);
    var a = Line();
    var b = Line();
    var c = Line();
    var d = Line();
    var e = Line();
    var f = Line();
    for (var ky = 0u; ky < SIZE; ky++) {
        let line = along(ky, row, column);
        let low = LOW[ky];
        let high = HIGH[ky];
        a = add(a, low.x, line);
        b = add(b, low.y, line);
        c = add(c, low.z, line);
        d = add(d, high.x, line);
        e = add(e, high.y, line);
        f = add(f, select(0.0, 1.0, ky + 1u == SIZE), line);
    }
    put(index, 0u, a);
    put(index, 1u, b);
    put(index, 2u, c);
    put(index, 3u, d);
    put(index, 4u, e);
    put(index, 5u, f);
}
