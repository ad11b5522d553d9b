// conv2d by Winograd's minimal filtering: the products at the points, in register tiles shared through a subgroup.
//
//   product[p][tile][o] = sum over c of input[p][tile][c] * weight[p][c][o]
//
// input    [tile / 8][36][inputs][tile % 8] vec4 over the channels c (winograd_input.wgsl)
// weight   [36][inputs][outputs][4] vec4 over the channels o, for each channel of a quad of c (winograd_weight.wgsl, in
//          blocks): an invocation's four lie together
// product  [tile / 8][36][tile % 8][outputs] vec4 over o
//
// A workgroup is one subgroup of eight or more, and z its point. It owns 32 tiles and 4 * LANES outputs: each invocation
// holds 32 rows of one quad of outputs in registers, lanes 0 to 7 load four rows each, and subgroupBroadcast hands them
// round. So eight loads feed 512 multiply-adds of every lane. The tile is large:
// where a processor stands in for a GPU, what is loaded in vectors costs as much as what is computed. There are whole
// blocks of 32 tiles. Sizes are in the uniform, not overrides, so that all layers share one pipeline.

override LANES: u32 = 8;

const POINTS: u32 = 36;
const ROWS: u32 = 32;

// section plain: how four numbers lie in memory that are read in single precision however activations are stored.
alias Plain = vec4<f32>;
fn load_plain(plain: Plain) -> vec4<f32> {
    return plain;
}
// end plain

struct Params {
    // A multiple of 32.
    tiles: u32,
    // Quads of channels.
    inputs: u32,
    outputs: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Plain>;
@group(0) @binding(1) var<storage, read> weight: array<Plain>;
@group(0) @binding(2) var<storage, read_write> product: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

// acc + the product of one tile's quad with the four weight rows.
fn madd(acc: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, acc))));
}

var<private> acc: array<vec4<f32>, ROWS>;

// The rows are written out here and below: WGSL wants the broadcasting lane to be a constant, and an array indexed by a
// loop would leave the registers.
fn step(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) {
    acc[0] = madd(acc[0], subgroupBroadcast(a, 0u), b0, b1, b2, b3);
    acc[1] = madd(acc[1], subgroupBroadcast(a, 1u), b0, b1, b2, b3);
    acc[2] = madd(acc[2], subgroupBroadcast(a, 2u), b0, b1, b2, b3);
    acc[3] = madd(acc[3], subgroupBroadcast(a, 3u), b0, b1, b2, b3);
    acc[4] = madd(acc[4], subgroupBroadcast(a, 4u), b0, b1, b2, b3);
    acc[5] = madd(acc[5], subgroupBroadcast(a, 5u), b0, b1, b2, b3);
    acc[6] = madd(acc[6], subgroupBroadcast(a, 6u), b0, b1, b2, b3);
    acc[7] = madd(acc[7], subgroupBroadcast(a, 7u), b0, b1, b2, b3);
    acc[8] = madd(acc[8], subgroupBroadcast(b, 0u), b0, b1, b2, b3);
    acc[9] = madd(acc[9], subgroupBroadcast(b, 1u), b0, b1, b2, b3);
    acc[10] = madd(acc[10], subgroupBroadcast(b, 2u), b0, b1, b2, b3);
    acc[11] = madd(acc[11], subgroupBroadcast(b, 3u), b0, b1, b2, b3);
    acc[12] = madd(acc[12], subgroupBroadcast(b, 4u), b0, b1, b2, b3);
    acc[13] = madd(acc[13], subgroupBroadcast(b, 5u), b0, b1, b2, b3);
    acc[14] = madd(acc[14], subgroupBroadcast(b, 6u), b0, b1, b2, b3);
    acc[15] = madd(acc[15], subgroupBroadcast(b, 7u), b0, b1, b2, b3);
    acc[16] = madd(acc[16], subgroupBroadcast(c, 0u), b0, b1, b2, b3);
    acc[17] = madd(acc[17], subgroupBroadcast(c, 1u), b0, b1, b2, b3);
    acc[18] = madd(acc[18], subgroupBroadcast(c, 2u), b0, b1, b2, b3);
    acc[19] = madd(acc[19], subgroupBroadcast(c, 3u), b0, b1, b2, b3);
    acc[20] = madd(acc[20], subgroupBroadcast(c, 4u), b0, b1, b2, b3);
    acc[21] = madd(acc[21], subgroupBroadcast(c, 5u), b0, b1, b2, b3);
    acc[22] = madd(acc[22], subgroupBroadcast(c, 6u), b0, b1, b2, b3);
    acc[23] = madd(acc[23], subgroupBroadcast(c, 7u), b0, b1, b2, b3);
    acc[24] = madd(acc[24], subgroupBroadcast(d, 0u), b0, b1, b2, b3);
    acc[25] = madd(acc[25], subgroupBroadcast(d, 1u), b0, b1, b2, b3);
    acc[26] = madd(acc[26], subgroupBroadcast(d, 2u), b0, b1, b2, b3);
    acc[27] = madd(acc[27], subgroupBroadcast(d, 3u), b0, b1, b2, b3);
    acc[28] = madd(acc[28], subgroupBroadcast(d, 4u), b0, b1, b2, b3);
    acc[29] = madd(acc[29], subgroupBroadcast(d, 5u), b0, b1, b2, b3);
    acc[30] = madd(acc[30], subgroupBroadcast(d, 6u), b0, b1, b2, b3);
    acc[31] = madd(acc[31], subgroupBroadcast(d, 7u), b0, b1, b2, b3);
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
    var w = (group.z * params.inputs * params.outputs + min(column, params.outputs - 1u)) * 4u;
    var row = first * params.inputs + lane % 8u;
    let block = eight * params.inputs;
    for (var q = 0u; q < params.inputs; q++) {
        step(
            load_plain(input[row]),
            load_plain(input[row + block]),
            load_plain(input[row + 2u * block]),
            load_plain(input[row + 3u * block]),
            load_plain(weight[w]),
            load_plain(weight[w + 1u]),
            load_plain(weight[w + 2u]),
            load_plain(weight[w + 3u]),
        );
        row += 8u;
        w += 4u * params.outputs;
    }
    put(first, column, acc[0]);
    put(first + 1u, column, acc[1]);
    put(first + 2u, column, acc[2]);
    put(first + 3u, column, acc[3]);
    put(first + 4u, column, acc[4]);
    put(first + 5u, column, acc[5]);
    put(first + 6u, column, acc[6]);
    put(first + 7u, column, acc[7]);
    put(first + eight, column, acc[8]);
    put(first + eight + 1u, column, acc[9]);
    put(first + eight + 2u, column, acc[10]);
    put(first + eight + 3u, column, acc[11]);
    put(first + eight + 4u, column, acc[12]);
    put(first + eight + 5u, column, acc[13]);
    put(first + eight + 6u, column, acc[14]);
    put(first + eight + 7u, column, acc[15]);
    put(first + 2u * eight, column, acc[16]);
    put(first + 2u * eight + 1u, column, acc[17]);
    put(first + 2u * eight + 2u, column, acc[18]);
    put(first + 2u * eight + 3u, column, acc[19]);
    put(first + 2u * eight + 4u, column, acc[20]);
    put(first + 2u * eight + 5u, column, acc[21]);
    put(first + 2u * eight + 6u, column, acc[22]);
    put(first + 2u * eight + 7u, column, acc[23]);
    put(first + 3u * eight, column, acc[24]);
    put(first + 3u * eight + 1u, column, acc[25]);
    put(first + 3u * eight + 2u, column, acc[26]);
    put(first + 3u * eight + 3u, column, acc[27]);
    put(first + 3u * eight + 4u, column, acc[28]);
    put(first + 3u * eight + 5u, column, acc[29]);
    put(first + 3u * eight + 6u, column, acc[30]);
    put(first + 3u * eight + 7u, column, acc[31]);
}
