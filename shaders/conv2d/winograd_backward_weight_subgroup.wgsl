// conv2d by Winograd's minimal filtering: the products at the points that make the gradient to the weight, in register
// tiles shared through a subgroup.
//
//   partial[split][p][c][o] = sum over the tiles of the split of input[p][tile][c] * grad_output[p][tile][o]
//
// input        [tile / 8][POINTS][inputs][tile % 8] vec4 over the input channels c (winograd_input.wgsl)
// grad_output  [tile / 8][POINTS][tile % 8][outputs] vec4 over the output channels o (winograd_grad_output.wgsl)
// partial      [split][POINTS][4 * inputs][outputs] vec4 over o
//
// A workgroup is one subgroup of eight or more, and z its split and point. It owns 32 input channels and 4 * LANES
// output channels: each invocation holds 32 rows of one quad of outputs in registers, and takes four tiles at a time, of
// which lanes 0 to 7 load one quad of the inputs each, in two pairs, that subgroupBroadcast hands round. There are whole
// blocks of 32 tiles. common/sum_partials.wgsl joins the splits. Sizes are in the uniform, not overrides, so that all layers
// share one pipeline.

override LANES: u32 = 8;
override POINTS: u32 = 36;

const ROW_QUADS: u32 = 8;

// section plain: how four numbers lie in memory that are read in single precision however activations are stored.
alias Plain = vec4<f32>;
fn load_plain(plain: Plain) -> vec4<f32> {
    return plain;
}
// end plain

// section pair: how two quads lie in memory that are read together, in single precision however activations are stored.
struct Pair {
    low: vec4<f32>,
    high: vec4<f32>,
}
fn low(pair: Pair) -> vec4<f32> {
    return pair.low;
}
fn high(pair: Pair) -> vec4<f32> {
    return pair.high;
}
// end pair

struct Params {
    // A multiple of 32.
    tiles: u32,
    // How many tiles one split sums; a multiple of 32.
    span: u32,
    // Quads of channels.
    inputs: u32,
    outputs: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Pair>;
@group(0) @binding(1) var<storage, read> grad_output: array<Plain>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

// acc + the products of an input channel in four tiles with those of an output quad.
fn madd(acc: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, acc))));
}

var<private> acc: array<vec4<f32>, 32>;

// The rows are written out: WGSL wants the broadcasting lane to be a constant, and an array indexed by a
// loop would leave the registers.
fn step(ab: Pair, cd: Pair, g0: vec4<f32>, g1: vec4<f32>, g2: vec4<f32>, g3: vec4<f32>) {
    let a = low(ab);
    let b = high(ab);
    let c = low(cd);
    let d = high(cd);
    var x0 = subgroupBroadcast(a, 0u);
    var x1 = subgroupBroadcast(b, 0u);
    var x2 = subgroupBroadcast(c, 0u);
    var x3 = subgroupBroadcast(d, 0u);
    acc[0] = madd(acc[0], vec4(x0.x, x1.x, x2.x, x3.x), g0, g1, g2, g3);
    acc[1] = madd(acc[1], vec4(x0.y, x1.y, x2.y, x3.y), g0, g1, g2, g3);
    acc[2] = madd(acc[2], vec4(x0.z, x1.z, x2.z, x3.z), g0, g1, g2, g3);
    acc[3] = madd(acc[3], vec4(x0.w, x1.w, x2.w, x3.w), g0, g1, g2, g3);
    x0 = subgroupBroadcast(a, 1u);
    x1 = subgroupBroadcast(b, 1u);
    x2 = subgroupBroadcast(c, 1u);
    x3 = subgroupBroadcast(d, 1u);
    acc[4] = madd(acc[4], vec4(x0.x, x1.x, x2.x, x3.x), g0, g1, g2, g3);
    acc[5] = madd(acc[5], vec4(x0.y, x1.y, x2.y, x3.y), g0, g1, g2, g3);
    acc[6] = madd(acc[6], vec4(x0.z, x1.z, x2.z, x3.z), g0, g1, g2, g3);
    acc[7] = madd(acc[7], vec4(x0.w, x1.w, x2.w, x3.w), g0, g1, g2, g3);
    x0 = subgroupBroadcast(a, 2u);
    x1 = subgroupBroadcast(b, 2u);
    x2 = subgroupBroadcast(c, 2u);
    x3 = subgroupBroadcast(d, 2u);
    acc[8] = madd(acc[8], vec4(x0.x, x1.x, x2.x, x3.x), g0, g1, g2, g3);
    acc[9] = madd(acc[9], vec4(x0.y, x1.y, x2.y, x3.y), g0, g1, g2, g3);
    acc[10] = madd(acc[10], vec4(x0.z, x1.z, x2.z, x3.z), g0, g1, g2, g3);
    acc[11] = madd(acc[11], vec4(x0.w, x1.w, x2.w, x3.w), g0, g1, g2, g3);
    x0 = subgroupBroadcast(a, 3u);
    x1 = subgroupBroadcast(b, 3u);
    x2 = subgroupBroadcast(c, 3u);
    x3 = subgroupBroadcast(d, 3u);
    acc[12] = madd(acc[12], vec4(x0.x, x1.x, x2.x, x3.x), g0, g1, g2, g3);
    acc[13] = madd(acc[13], vec4(x0.y, x1.y, x2.y, x3.y), g0, g1, g2, g3);
    acc[14] = madd(acc[14], vec4(x0.z, x1.z, x2.z, x3.z), g0, g1, g2, g3);
    acc[15] = madd(acc[15], vec4(x0.w, x1.w, x2.w, x3.w), g0, g1, g2, g3);
    x0 = subgroupBroadcast(a, 4u);
    x1 = subgroupBroadcast(b, 4u);
    x2 = subgroupBroadcast(c, 4u);
    x3 = subgroupBroadcast(d, 4u);
    acc[16] = madd(acc[16], vec4(x0.x, x1.x, x2.x, x3.x), g0, g1, g2, g3);
    acc[17] = madd(acc[17], vec4(x0.y, x1.y, x2.y, x3.y), g0, g1, g2, g3);
    acc[18] = madd(acc[18], vec4(x0.z, x1.z, x2.z, x3.z), g0, g1, g2, g3);
    acc[19] = madd(acc[19], vec4(x0.w, x1.w, x2.w, x3.w), g0, g1, g2, g3);
    x0 = subgroupBroadcast(a, 5u);
    x1 = subgroupBroadcast(b, 5u);
    x2 = subgroupBroadcast(c, 5u);
    x3 = subgroupBroadcast(d, 5u);
    acc[20] = madd(acc[20], vec4(x0.x, x1.x, x2.x, x3.x), g0, g1, g2, g3);
    acc[21] = madd(acc[21], vec4(x0.y, x1.y, x2.y, x3.y), g0, g1, g2, g3);
    acc[22] = madd(acc[22], vec4(x0.z, x1.z, x2.z, x3.z), g0, g1, g2, g3);
    acc[23] = madd(acc[23], vec4(x0.w, x1.w, x2.w, x3.w), g0, g1, g2, g3);
    x0 = subgroupBroadcast(a, 6u);
    x1 = subgroupBroadcast(b, 6u);
    x2 = subgroupBroadcast(c, 6u);
    x3 = subgroupBroadcast(d, 6u);
    acc[24] = madd(acc[24], vec4(x0.x, x1.x, x2.x, x3.x), g0, g1, g2, g3);
    acc[25] = madd(acc[25], vec4(x0.y, x1.y, x2.y, x3.y), g0, g1, g2, g3);
    acc[26] = madd(acc[26], vec4(x0.z, x1.z, x2.z, x3.z), g0, g1, g2, g3);
    acc[27] = madd(acc[27], vec4(x0.w, x1.w, x2.w, x3.w), g0, g1, g2, g3);
    x0 = subgroupBroadcast(a, 7u);
    x1 = subgroupBroadcast(b, 7u);
    x2 = subgroupBroadcast(c, 7u);
    x3 = subgroupBroadcast(d, 7u);
    acc[28] = madd(acc[28], vec4(x0.x, x1.x, x2.x, x3.x), g0, g1, g2, g3);
    acc[29] = madd(acc[29], vec4(x0.y, x1.y, x2.y, x3.y), g0, g1, g2, g3);
    acc[30] = madd(acc[30], vec4(x0.z, x1.z, x2.z, x3.z), g0, g1, g2, g3);
    acc[31] = madd(acc[31], vec4(x0.w, x1.w, x2.w, x3.w), g0, g1, g2, g3);
}

// One of eight sums, for an index that a loop counts: stores written out take a processor's driver long to compile.
fn pick(first: u32, row: u32) -> vec4<f32> {
    var sum = acc[first];
    sum = select(sum, acc[first + 1u], row == 1u);
    sum = select(sum, acc[first + 2u], row == 2u);
    sum = select(sum, acc[first + 3u], row == 3u);
    sum = select(sum, acc[first + 4u], row == 4u);
    sum = select(sum, acc[first + 5u], row == 5u);
    sum = select(sum, acc[first + 6u], row == 6u);
    return select(sum, acc[first + 7u], row == 7u);
}

fn put(layer: u32, row: u32, column: u32, value: vec4<f32>) {
    if ((row < 4u * params.inputs) & (column < params.outputs)) {
        partial[(layer * 4u * params.inputs + row) * params.outputs + column] = value;
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let columns = (params.outputs + LANES - 1u) / LANES;
    let linear = group.x + group.y * groups.x;
    let column = linear % columns * LANES + lane;
    let first_quad = linear / columns * ROW_QUADS;
    let point = group.z % POINTS;
    let begin = group.z / POINTS * params.span;
    let end = min(begin + params.span, params.tiles);
    let zero = vec4(0.0);
    acc = array(
        zero, zero, zero, zero, zero, zero, zero, zero,
        zero, zero, zero, zero, zero, zero, zero, zero,
        zero, zero, zero, zero, zero, zero, zero, zero,
        zero, zero, zero, zero, zero, zero, zero, zero,
    );
    // Quads past the last are computed like it and not stored.
    let quad = min(first_quad + lane % ROW_QUADS, params.inputs - 1u);
    for (var tile = begin; tile < end; tile += 4u) {
        // Four tiles begin or end a block of eight.
        let eight = tile / 8u * POINTS + point;
        let pair = (eight * params.inputs + quad) * 4u + tile % 8u / 2u;
        let g = (eight * 8u + tile % 8u) * params.outputs + min(column, params.outputs - 1u);
        step(
            input[pair],
            input[pair + 1u],
            load_plain(grad_output[g]),
            load_plain(grad_output[g + params.outputs]),
            load_plain(grad_output[g + 2u * params.outputs]),
            load_plain(grad_output[g + 3u * params.outputs]),
        );
    }
    for (var row = 0u; row < 4u * ROW_QUADS; row++) {
        let i = row % 8u;
        let low = select(pick(0u, i), pick(8u, i), row >= 8u);
        let high = select(pick(16u, i), pick(24u, i), row >= 24u);
        put(group.z, 4u * first_quad + row, column, select(low, high, row >= 16u));
    }
}
