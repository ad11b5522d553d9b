// linear and 1x1 convolution, gradient to the weight: a register tile shared through a subgroup.
//
//   grad_weight[k][o] = sum over m of input[m, k] * grad_output[m, o]
//
// input        [rows][IN_Q] vec4 over the inputs k
// grad_output  [rows][OUT_Q] vec4 over the outputs o
// partial      [split][4 * IN_Q][OUT_Q] vec4
//
// The tile is that of conv2d/backward_weight_subgroup.wgsl: a workgroup is one subgroup of eight or more, which
// owns four input quads (16 rows of the weight) by 4 * LANES outputs, and walks over the rows of one split two
// at a time. common/sum_partials.wgsl joins the splits.

override IN_C: u32 = 4;
override OUT_C: u32 = 4;
override LANES: u32 = 8;
override OUT_Q: u32 = (OUT_C + 3u) / 4u;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

const ROW_QUADS: u32 = 4;

struct Params {
    // How many rows (samples, or pixels) there are.
    rows: u32,
    // How many rows one split sums; even.
    span: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

var<private> acc: array<vec4<f32>, 16>;

// Written out: the broadcasting lane is to be a constant, and an array indexed by a loop would leave the
// registers.
fn step(a: vec4<f32>, first: vec4<f32>, second: vec4<f32>) {
    let a0 = subgroupBroadcast(a, 0u);
    let a1 = subgroupBroadcast(a, 1u);
    let a2 = subgroupBroadcast(a, 2u);
    let a3 = subgroupBroadcast(a, 3u);
    let b0 = subgroupBroadcast(a, 4u);
    let b1 = subgroupBroadcast(a, 5u);
    let b2 = subgroupBroadcast(a, 6u);
    let b3 = subgroupBroadcast(a, 7u);
    acc[0] = fma(vec4(b0.x), second, fma(vec4(a0.x), first, acc[0]));
    acc[1] = fma(vec4(b0.y), second, fma(vec4(a0.y), first, acc[1]));
    acc[2] = fma(vec4(b0.z), second, fma(vec4(a0.z), first, acc[2]));
    acc[3] = fma(vec4(b0.w), second, fma(vec4(a0.w), first, acc[3]));
    acc[4] = fma(vec4(b1.x), second, fma(vec4(a1.x), first, acc[4]));
    acc[5] = fma(vec4(b1.y), second, fma(vec4(a1.y), first, acc[5]));
    acc[6] = fma(vec4(b1.z), second, fma(vec4(a1.z), first, acc[6]));
    acc[7] = fma(vec4(b1.w), second, fma(vec4(a1.w), first, acc[7]));
    acc[8] = fma(vec4(b2.x), second, fma(vec4(a2.x), first, acc[8]));
    acc[9] = fma(vec4(b2.y), second, fma(vec4(a2.y), first, acc[9]));
    acc[10] = fma(vec4(b2.z), second, fma(vec4(a2.z), first, acc[10]));
    acc[11] = fma(vec4(b2.w), second, fma(vec4(a2.w), first, acc[11]));
    acc[12] = fma(vec4(b3.x), second, fma(vec4(a3.x), first, acc[12]));
    acc[13] = fma(vec4(b3.y), second, fma(vec4(a3.y), first, acc[13]));
    acc[14] = fma(vec4(b3.z), second, fma(vec4(a3.z), first, acc[14]));
    acc[15] = fma(vec4(b3.w), second, fma(vec4(a3.w), first, acc[15]));
}

fn put(split: u32, row: u32, column: u32, value: vec4<f32>) {
    let rows = (IN_C + 3u) / 4u * 4u;
    if ((row < rows) & (column < OUT_Q)) {
        partial[(split * rows + row) * OUT_Q + column] = value;
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let quads = (IN_C + 3u) / 4u;
    let tiles = (OUT_Q + LANES - 1u) / LANES;
    let linear = group.x + group.y * groups.x;
    let column = linear % tiles * LANES + lane;
    let safe_column = min(column, OUT_Q - 1u);
    let first_quad = linear / tiles * ROW_QUADS;
    // Quads past the last are computed like it and not stored.
    let quad = min(first_quad + lane % ROW_QUADS, quads - 1u);
    let ahead = lane / ROW_QUADS % 2u;

    let zero = vec4(0.0);
    acc = array(zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero);
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.rows);
    for (var m = begin; m < end; m += 2u) {
        let last = m + 1u >= end;
        let mine = m + ahead;
        let a = select(load(input[min(mine, end - 1u) * quads + quad]), vec4(0.0), mine >= end);
        let d = m * OUT_Q + safe_column;
        step(a, load(grad_output[d]), load(grad_output[select(d + OUT_Q, d, last)]));
    }
    let first = 4u * first_quad;
    put(group.z, first, column, acc[0]);
    put(group.z, first + 1u, column, acc[1]);
    put(group.z, first + 2u, column, acc[2]);
    put(group.z, first + 3u, column, acc[3]);
    put(group.z, first + 4u, column, acc[4]);
    put(group.z, first + 5u, column, acc[5]);
    put(group.z, first + 6u, column, acc[6]);
    put(group.z, first + 7u, column, acc[7]);
    put(group.z, first + 8u, column, acc[8]);
    put(group.z, first + 9u, column, acc[9]);
    put(group.z, first + 10u, column, acc[10]);
    put(group.z, first + 11u, column, acc[11]);
    put(group.z, first + 12u, column, acc[12]);
    put(group.z, first + 13u, column, acc[13]);
    put(group.z, first + 14u, column, acc[14]);
    put(group.z, first + 15u, column, acc[15]);
}
