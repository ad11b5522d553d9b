// conv2d by Winograd's minimal filtering: from the products at the points to the gradient to the weight.
//
//   grad_weight[ky][kx][c][o] = sum over i, j of G[i][ky] * product[SIDE * i + j][c][o] * G[j][kx]
//
// G is that of winograd_weight.wgsl.
//
// product      [SIDE * SIDE][rows][quads] vec4 over output channels, of one chunk of them; rows = the input channels,
//              padded to whole quads
// grad_weight  [SIZE][SIZE][rows][outputs] vec4 over output channels
//
// An invocation owns one input channel and one quad of output channels.
//
// What is read is taken one after another and added up with the matrix's numbers along both axes: some drivers take seconds
// to compile all loads and stores written out, and the additions cost little beside these. The numbers are picked, not read
// from a table, which such drivers copy at every reading.

override SIZE: u32 = 3;
override SIDE: u32 = 6;
// Whether loops count up to what the uniform says. Where a driver knows how far, it may write them out: on a GPU several
// loads are under way at once then; a processor's driver takes seconds to compile all of them.
override ROLLED: bool = false;

// section plain: how four numbers lie in memory that are read in single precision however activations are stored.
alias Plain = vec4<f32>;
fn load_plain(plain: Plain) -> vec4<f32> {
    return plain;
}
// end plain

struct Params {
    rows: u32,
    // Quads of output channels: all, and those of the chunk, the first and how many.
    outputs: u32,
    first_quad: u32,
    quads: u32,
    // SIDE and SIZE
    side: u32,
    size: u32,
}

@group(0) @binding(0) var<storage, read> product: array<Plain>;
@group(0) @binding(1) var<storage, read_write> grad_weight: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

// The taps of a line, of which there are SIZE.
struct Taps {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
}

// SIDE and SIZE, as loops count up to them.
fn side() -> u32 {
    return select(SIDE, params.side, ROLLED);
}

fn size() -> u32 {
    return select(SIZE, params.size, ROLLED);
}

const ROOT: f32 = 1.4142135623730951;

// Row i of G: what a point adds to the first four taps along its axis, and to the fifth: the powers of its point, over
// the products of the differences of the points. To which infinity adds depends on SIZE.
fn row_of_g(i: u32) -> vec4<f32> {
    if (SIDE == 8u) {
        let point = select(select(2.0, 1.0, i < 5u), 0.5, i < 3u) * select(1.0, -1.0, i % 2u == 0u);
        let scale = select(select(1.0 / 90.0, -1.0 / 4.5, i < 5u), 32.0 / 45.0, i < 3u);
        let powers = scale * vec4(1.0, point, point * point, point * point * point);
        return select(select(powers, vec4(1.0, 0.0, 0.0, 0.0), i == 0u), vec4(0.0), i == 7u);
    }
    let square = select(2.0, 0.5, i < 3u);
    let point = select(ROOT, 0.5 * ROOT, i < 3u) * select(1.0, -1.0, i % 2u == 0u);
    let scale = select(1.0 / 6.0, -1.0 / 1.5, i < 3u);
    let finite = scale * vec4(1.0, point, square, square * point);
    return select(select(finite, vec4(1.0, 0.0, 0.0, 0.0), i == 0u), vec4(0.0, 0.0, f32(SIZE == 3u), 0.0), i == 5u);
}

fn fifth_of_g(i: u32) -> f32 {
    if (SIDE == 8u) {
        let finite = select(select(16.0 / 90.0, -1.0 / 4.5, i < 5u), 2.0 / 45.0, i < 3u);
        return select(select(finite, 0.0, i == 0u), 1.0, i == 7u);
    }
    return select(select(select(4.0 / 6.0, 0.25 / -1.5, i < 3u), 0.0, i == 0u), 1.0, i == 5u);
}

fn line(index: u32, i: u32) -> Taps {
    let point = params.rows * params.quads;
    let first = SIDE * i * point + index;
    var taps = Taps();
    for (var j = 0u; j < side(); j++) {
        let value = load_plain(product[first + j * point]);
        let weights = row_of_g(j);
        taps = Taps(
            fma(vec4(weights.x), value, taps.a),
            fma(vec4(weights.y), value, taps.b),
            fma(vec4(weights.z), value, taps.c),
            fma(vec4(weights.w), value, taps.d),
            fma(vec4(fifth_of_g(j)), value, taps.e),
        );
    }
    return taps;
}

fn add(to: Taps, weight: f32, line: Taps) -> Taps {
    return Taps(
        fma(vec4(weight), line.a, to.a),
        fma(vec4(weight), line.b, to.b),
        fma(vec4(weight), line.c, to.c),
        fma(vec4(weight), line.d, to.d),
        fma(vec4(weight), line.e, to.e),
    );
}

// One of the rows' taps, for an index that a loop counts.
fn pick(i: u32, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>, e: vec4<f32>) -> vec4<f32> {
    return select(select(select(a, b, i == 1u), select(c, d, i == 3u), i > 1u), e, i == 4u);
}

fn put(index: u32, ky: u32, taps: Taps) {
    let tap = params.rows * params.outputs;
    let column = params.first_quad + index % params.quads;
    let first = ky * SIZE * tap + index / params.quads * params.outputs + column;
    grad_weight[first] = taps.a;
    grad_weight[first + tap] = taps.b;
    grad_weight[first + 2u * tap] = taps.c;
    if (SIZE == 5u) {
        grad_weight[first + 3u * tap] = taps.d;
        grad_weight[first + 4u * tap] = taps.e;
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let index = (group.x + group.y * groups.x) * 64u + local;
    if (index >= params.rows * params.quads) {
        return;
    }
    var a = Taps();
    var b = Taps();
    var c = Taps();
    var d = Taps();
    var e = Taps();
    for (var i = 0u; i < side(); i++) {
        let taps = line(index, i);
        let weights = row_of_g(i);
        a = add(a, weights.x, taps);
        b = add(b, weights.y, taps);
        c = add(c, weights.z, taps);
        d = add(d, weights.w, taps);
        e = add(e, fifth_of_g(i), taps);
    }
    for (var ky = 0u; ky < size(); ky++) {
        put(index, ky, Taps(
            pick(ky, a.a, b.a, c.a, d.a, e.a),
            pick(ky, a.b, b.b, c.b, d.b, e.b),
            pick(ky, a.c, b.c, c.c, d.c, e.c),
            pick(ky, a.d, b.d, c.d, d.d, e.d),
            pick(ky, a.e, b.e, c.e, d.e, e.e),
        ));
    }
}
