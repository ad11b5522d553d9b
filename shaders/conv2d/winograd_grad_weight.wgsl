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
//
// The lines of points are taken one after another, in a loop, and added up with the matrix's numbers from a table: some
// drivers take seconds to compile all the loads written out, and the additions cost nothing beside the loads and stores.

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

fn line(index: u32, i: u32) -> Taps {
    let first = 6u * i * params.elements + index;
    return transform(Line(
        product[first],
        product[first + params.elements],
        product[first + 2u * params.elements],
        product[first + 3u * params.elements],
        product[first + 4u * params.elements],
        product[first + 5u * params.elements],
    ));
}

// G: what a line of points adds to the first four taps along y, and to the fifth. To which infinity adds depends on
// SIZE.
const G = array<vec4<f32>, 6>(
    vec4(1.0, 0.0, 0.0, 0.0),
    vec4(1.0, 0.5 * ROOT, 0.5, 0.25 * ROOT) / -1.5,
    vec4(1.0, -0.5 * ROOT, 0.5, -0.25 * ROOT) / -1.5,
    vec4(1.0, ROOT, 2.0, 2.0 * ROOT) / 6.0,
    vec4(1.0, -ROOT, 2.0, -2.0 * ROOT) / 6.0,
    vec4(0.0),
);
const FIFTH = array<f32, 6>(0.0, 0.25 / -1.5, 0.25 / -1.5, 4.0 / 6.0, 4.0 / 6.0, 1.0);

fn add(to: Taps, weight: f32, line: Taps) -> Taps {
    return Taps(
        to.a + weight * line.a,
        to.b + weight * line.b,
        to.c + weight * line.c,
        to.d + weight * line.d,
        to.e + weight * line.e,
    );
}

fn put(index: u32, ky: u32, taps: Taps) {
    let first = ky * SIZE * params.elements + index;
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
    var a = Taps();
    var b = Taps();
    var c = Taps();
    var d = Taps();
    var e = Taps();
    for (var i = 0u; i < 6u; i++) {
        let taps = line(index, i);
        let weights = select(G[i], vec4(0.0, 0.0, 1.0, 0.0), (i == 5u) & (SIZE == 3u));
        a = add(a, weights.x, taps);
        b = add(b, weights.y, taps);
        c = add(c, weights.z, taps);
        d = add(d, weights.w, taps);
        e = add(e, FIFTH[i], taps);
    }
    put(index, 0u, a);
    put(index, 1u, b);
    put(index, 2u, c);
    if (SIZE == 5u) {
        put(index, 3u, d);
        put(index, 4u, e);
    }
}
