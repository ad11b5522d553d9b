// conv2d by Winograd's minimal filtering: the products at the points, in register tiles shared through a subgroup.
//
//   product[p][tile][o] = sum over c of input[p][tile][c] * weight[p][c][o]
//
// input    [tile / 8][POINTS][inputs][tile % 8] vec4 over the channels c (winograd_input.wgsl)
// weight   [POINTS][inputs][outputs][4] vec4 over the channels o, for each channel of a quad of c (winograd_weight.wgsl, in
//          blocks): an invocation's four lie together
// product  [tile / 8][POINTS][tile % 8][outputs] vec4 over o
//
// A workgroup is one subgroup of eight or more, and z its point. It owns 32 tiles and 4 * LANES outputs: each invocation
// holds 32 rows of one quad of outputs in registers, lanes 0 to 7 load two pairs of rows each, and subgroupBroadcast hands
// them round. So four loads of pairs feed 512 multiply-adds of every lane. The tile is large, and loads are of pairs:
// where a processor stands in for a GPU, what is loaded in vectors costs as much as what is computed. There are whole
// blocks of 32 tiles. Sizes are in the uniform, not overrides, so that all layers share one pipeline.

override LANES: u32 = 8;
override POINTS: u32 = 36;

const ROWS: u32 = 32;

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
    // Quads of channels.
    inputs: u32,
    outputs: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Pair>;
@group(0) @binding(1) var<storage, read> weight: array<Pair>;
@group(0) @binding(2) var<storage, read_write> product: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

// acc + the product of one tile's quad with the four weight rows.
fn madd(acc: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, acc))));
}

var<private> acc: array<vec4<f32>, ROWS>;

// The rows are written out: WGSL wants the broadcasting lane to be a constant, and an array indexed by a
// loop would leave the registers.
fn step(a: Pair, c: Pair, b01: Pair, b23: Pair) {
    let b0 = low(b01);
    let b1 = high(b01);
    let b2 = low(b23);
    let b3 = high(b23);
    let a0 = low(a);
    let a1 = high(a);
    let c0 = low(c);
    let c1 = high(c);
    acc[0] = madd(acc[0], subgroupBroadcast(a0, 0u), b0, b1, b2, b3);
    acc[1] = madd(acc[1], subgroupBroadcast(a1, 0u), b0, b1, b2, b3);
    acc[2] = madd(acc[2], subgroupBroadcast(a0, 1u), b0, b1, b2, b3);
    acc[3] = madd(acc[3], subgroupBroadcast(a1, 1u), b0, b1, b2, b3);
    acc[4] = madd(acc[4], subgroupBroadcast(a0, 2u), b0, b1, b2, b3);
    acc[5] = madd(acc[5], subgroupBroadcast(a1, 2u), b0, b1, b2, b3);
    acc[6] = madd(acc[6], subgroupBroadcast(a0, 3u), b0, b1, b2, b3);
    acc[7] = madd(acc[7], subgroupBroadcast(a1, 3u), b0, b1, b2, b3);
    acc[8] = madd(acc[8], subgroupBroadcast(a0, 4u), b0, b1, b2, b3);
    acc[9] = madd(acc[9], subgroupBroadcast(a1, 4u), b0, b1, b2, b3);
    acc[10] = madd(acc[10], subgroupBroadcast(a0, 5u), b0, b1, b2, b3);
    acc[11] = madd(acc[11], subgroupBroadcast(a1, 5u), b0, b1, b2, b3);
    acc[12] = madd(acc[12], subgroupBroadcast(a0, 6u), b0, b1, b2, b3);
    acc[13] = madd(acc[13], subgroupBroadcast(a1, 6u), b0, b1, b2, b3);
    acc[14] = madd(acc[14], subgroupBroadcast(a0, 7u), b0, b1, b2, b3);
    acc[15] = madd(acc[15], subgroupBroadcast(a1, 7u), b0, b1, b2, b3);
    acc[16] = madd(acc[16], subgroupBroadcast(c0, 0u), b0, b1, b2, b3);
    acc[17] = madd(acc[17], subgroupBroadcast(c1, 0u), b0, b1, b2, b3);
    acc[18] = madd(acc[18], subgroupBroadcast(c0, 1u), b0, b1, b2, b3);
    acc[19] = madd(acc[19], subgroupBroadcast(c1, 1u), b0, b1, b2, b3);
    acc[20] = madd(acc[20], subgroupBroadcast(c0, 2u), b0, b1, b2, b3);
    acc[21] = madd(acc[21], subgroupBroadcast(c1, 2u), b0, b1, b2, b3);
    acc[22] = madd(acc[22], subgroupBroadcast(c0, 3u), b0, b1, b2, b3);
    acc[23] = madd(acc[23], subgroupBroadcast(c1, 3u), b0, b1, b2, b3);
    acc[24] = madd(acc[24], subgroupBroadcast(c0, 4u), b0, b1, b2, b3);
    acc[25] = madd(acc[25], subgroupBroadcast(c1, 4u), b0, b1, b2, b3);
    acc[26] = madd(acc[26], subgroupBroadcast(c0, 5u), b0, b1, b2, b3);
    acc[27] = madd(acc[27], subgroupBroadcast(c1, 5u), b0, b1, b2, b3);
    acc[28] = madd(acc[28], subgroupBroadcast(c0, 6u), b0, b1, b2, b3);
    acc[29] = madd(acc[29], subgroupBroadcast(c1, 6u), b0, b1, b2, b3);
    acc[30] = madd(acc[30], subgroupBroadcast(c0, 7u), b0, b1, b2, b3);
    acc[31] = madd(acc[31], subgroupBroadcast(c1, 7u), b0, b1, b2, b3);
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

fn put(row: u32, column: u32, value: vec4<f32>) {
    if (column < params.outputs) {
        product[row * params.outputs + column] = value;
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
    if (linear >= columns * (params.tiles / ROWS)) {
        return;
    }
    let column = linear % columns * LANES + lane;
    // Of the product's rows, the first of this workgroup, and how far on its next eight are.
    let first = (linear / columns * (ROWS / 8u) * POINTS + group.z) * 8u;
    let eight = POINTS * 8u;
    let zero = vec4(0.0);
    acc = array(
        zero, zero, zero, zero, zero, zero, zero, zero,
        zero, zero, zero, zero, zero, zero, zero, zero,
        zero, zero, zero, zero, zero, zero, zero, zero,
        zero, zero, zero, zero, zero, zero, zero, zero,
    );
    // Lanes past the last output work on it too and store nothing.
    var w = (group.z * params.inputs * params.outputs + min(column, params.outputs - 1u)) * 2u;
    // Eight rows are four pairs: lanes 0 to 3 load those of one block of eight, lanes 4 to 7 those of the next.
    let block = eight * params.inputs / 2u;
    var row = first * params.inputs / 2u + lane / 4u % 2u * block + lane % 4u;
    for (var q = 0u; q < params.inputs; q++) {
        step(input[row], input[row + 2u * block], weight[w], weight[w + 1u]);
        row += 4u;
        w += 2u * params.outputs;
    }
    for (var row = 0u; row < ROWS; row++) {
        let i = row % 8u;
        let low = select(pick(0u, i), pick(8u, i), row >= 8u);
        let high = select(pick(16u, i), pick(24u, i), row >= 24u);
        put(first + row / 8u * eight + i, column, select(low, high, row >= 16u));
    }
}
