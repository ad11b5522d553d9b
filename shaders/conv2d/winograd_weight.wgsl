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
// weight       [SIZE][SIZE][rows][quads] vec4 over its second channels; rows = its first ones, padded to whole quads
// transformed  [36][rows][quads] vec4 over o, rows = the c, padded to whole quads
//
// An invocation owns one c and one quad of o. A weight is small beside what it is multiplied with, so that the
// scattered reads of a turned one do not matter.

override SIZE: u32 = 3;
override TURNED: u32 = 0;

struct Params {
    // The quads of the channels c of the result, and of its o.
    inputs: u32,
    outputs: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> transformed: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

// Up to five taps.
struct Taps {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
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

fn transform(g: Taps) -> Line {
    let even = (g.a + 0.5 * g.c + 0.25 * g.e) / -1.5;
    let odd = ROOT * (0.5 * g.b + 0.25 * g.d) / -1.5;
    let even2 = (g.a + 2.0 * g.c + 4.0 * g.e) / 6.0;
    let odd2 = ROOT * (g.b + 2.0 * g.d) / 6.0;
    return Line(g.a, even + odd, even - odd, even2 + odd2, even2 - odd2, select(g.c, g.e, SIZE == 5u));
}

fn tap(ky: u32, kx: u32, row: u32, column: u32) -> vec4<f32> {
    if (max(ky, kx) >= SIZE) {
        return vec4(0.0);
    }
    if (TURNED == 0u) {
        return weight[((ky * SIZE + kx) * 4u * params.inputs + row) * params.outputs + column];
    }
    let first = ((SIZE - 1u - ky) * SIZE + SIZE - 1u - kx) * 4u * params.outputs + 4u * column;
    let index = first * params.inputs + row / 4u;
    return vec4(
        weight[index][row % 4u],
        weight[index + params.inputs][row % 4u],
        weight[index + 2u * params.inputs][row % 4u],
        weight[index + 3u * params.inputs][row % 4u],
    );
}

fn along(kx: u32, row: u32, column: u32) -> Line {
    return transform(Taps(
        tap(0u, kx, row, column),
        tap(1u, kx, row, column),
        tap(2u, kx, row, column),
        tap(3u, kx, row, column),
        tap(4u, kx, row, column),
    ));
}

fn put(index: u32, row: u32, taps: Taps) {
    let point = 4u * params.inputs * params.outputs;
    let first = 6u * row * point + index;
    let values = transform(taps);
    transformed[first] = values.a;
    transformed[first + point] = values.b;
    transformed[first + 2u * point] = values.c;
    transformed[first + 3u * point] = values.d;
    transformed[first + 4u * point] = values.e;
    transformed[first + 5u * point] = values.f;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = (group.x + group.y * groups.x) * 64u + local;
    if (index >= 4u * params.inputs * params.outputs) {
        return;
    }
    let row = index / params.outputs;
    let column = index % params.outputs;
    let a = along(0u, row, column);
    let b = along(1u, row, column);
    let c = along(2u, row, column);
    let d = along(3u, row, column);
    let e = along(4u, row, column);
    put(index, 0u, Taps(a.a, b.a, c.a, d.a, e.a));
    put(index, 1u, Taps(a.b, b.b, c.b, d.b, e.b));
    put(index, 2u, Taps(a.c, b.c, c.c, d.c, e.c));
    put(index, 3u, Taps(a.d, b.d, c.d, d.d, e.d));
    put(index, 4u, Taps(a.e, b.e, c.e, d.e, e.e));
    put(index, 5u, Taps(a.f, b.f, c.f, d.f, e.f));
}
