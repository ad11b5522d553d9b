// conv2d by Winograd's minimal filtering: from the products at the points to the gradient to the weight.
//
//   grad_weight[ky][kx][c][o] = sum over i, j of G[i][ky] * product[6 * i + j][c][o] * G[j][kx]
//
// G is that of winograd_weight.wgsl.
//
// product      [36][rows][quads] vec4 over output channels; rows = the input channels, padded to whole quads
// grad_weight  [SIZE][SIZE][rows][quads] vec4 over output channels
//
// An invocation owns one input channel and one quad of output channels.

override SIZE: u32 = 3;

struct Params {
    // Rows times quads.
    elements: u32,
}

@group(0) @binding(0) var<storage, read> product: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> grad_weight: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

// Values at the six points.
struct Line {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
    f: vec4<f32>,
}

// The taps of a line, of which there are SIZE.
struct Taps {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
}

const ROOT: f32 = 1.4142135623730951;

fn transform(m: Line) -> Taps {
    let even = (m.b + m.c) / -1.5;
    let odd = ROOT * (m.b - m.c) / -1.5;
    let even2 = (m.d + m.e) / 6.0;
    let odd2 = ROOT * (m.d - m.e) / 6.0;
    let third = 0.5 * even + 2.0 * even2;
    return Taps(
        m.a + even + even2,
        0.5 * odd + odd2,
        select(third, third + m.f, SIZE == 3u),
        0.25 * odd + 2.0 * odd2,
        0.25 * even + 4.0 * even2 + m.f,
    );
}

fn along(index: u32, j: u32) -> Taps {
    let first = j * params.elements + index;
    return transform(Line(
        product[first],
        product[first + 6u * params.elements],
        product[first + 12u * params.elements],
        product[first + 18u * params.elements],
        product[first + 24u * params.elements],
        product[first + 30u * params.elements],
    ));
}

fn put(index: u32, ky: u32, line: Line) {
    let first = ky * SIZE * params.elements + index;
    let taps = transform(line);
    grad_weight[first] = taps.a;
    grad_weight[first + params.elements] = taps.b;
    grad_weight[first + 2u * params.elements] = taps.c;
    if (SIZE == 5u) {
        grad_weight[first + 3u * params.elements] = taps.d;
        grad_weight[first + 4u * params.elements] = taps.e;
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = (group.x + group.y * groups.x) * 64u + local;
    if (index >= params.elements) {
        return;
    }
    let a = along(index, 0u);
    let b = along(index, 1u);
    let c = along(index, 2u);
    let d = along(index, 3u);
    let e = along(index, 4u);
    let f = along(index, 5u);
    put(index, 0u, Line(a.a, b.a, c.a, d.a, e.a, f.a));
    put(index, 1u, Line(a.b, b.b, c.b, d.b, e.b, f.b));
    put(index, 2u, Line(a.c, b.c, c.c, d.c, e.c, f.c));
    if (SIZE == 5u) {
        put(index, 3u, Line(a.d, b.d, c.d, d.d, e.d, f.d));
        put(index, 4u, Line(a.e, b.e, c.e, d.e, e.e, f.e));
    }
}
