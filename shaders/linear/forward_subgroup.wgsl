// linear and 1x1 convolution, forward: a matrix product in register tiles shared through a subgroup.
//
//   output[m, o] = bias[o] + sum over k of input[m, k] * weight[k][o]
//
// input   [rows][IN_Q] vec4 over the inputs k
// weight  [4 * IN_Q][OUT_Q] vec4 over the outputs o (fewer rows where there are one to three inputs)
// bias    [OUT_Q] vec4, read where BIAS is 1
// output  [split][rows][OUT_Q] vec4; one split is the result itself
//
// The tile is that of conv2d/forward_subgroup.wgsl: a workgroup is one subgroup of eight or more, which owns
// 16 rows and 4 * LANES outputs; lanes 0 to 7 load two rows each and broadcast them. z takes a range of the
// sum, so that few outputs with a long sum still fill the device; the bias goes with the first.

override IN_C: u32 = 4;
override OUT_C: u32 = 4;
override BIAS: u32 = 0;
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

// section result: how the output lies in memory: like an activation, but plain where it is a part of a split sum.
alias Result = vec4<f32>;
fn store_result(value: vec4<f32>) -> Result {
    return value;
}
// end result

// section activation: what the scheduler fuses into the store. Another function is put here.
fn activate(x: vec4<f32>) -> vec4<f32> {
    return x;
}
// end activation

const ROWS: u32 = 16;

struct Params {
    // How many rows (samples, or pixels) there are.
    rows: u32,
    // How many quads of the sum one split takes.
    span: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Result>;
@group(0) @binding(4) var<uniform> params: Params;

fn madd(acc: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, acc))));
}

var<private> acc: array<vec4<f32>, ROWS>;

// The rows are written out here and below: WGSL wants the broadcasting lane to be a constant, and an array
// indexed by a loop would leave the registers.
fn step(low: vec4<f32>, high: vec4<f32>, w: u32) {
    let b0 = weight[w];
    let b1 = weight[w + OUT_Q];
    let b2 = weight[w + 2u * OUT_Q];
    let b3 = weight[w + 3u * OUT_Q];
    acc[0] = madd(acc[0], subgroupBroadcast(low, 0u), b0, b1, b2, b3);
    acc[1] = madd(acc[1], subgroupBroadcast(low, 1u), b0, b1, b2, b3);
    acc[2] = madd(acc[2], subgroupBroadcast(low, 2u), b0, b1, b2, b3);
    acc[3] = madd(acc[3], subgroupBroadcast(low, 3u), b0, b1, b2, b3);
    acc[4] = madd(acc[4], subgroupBroadcast(low, 4u), b0, b1, b2, b3);
    acc[5] = madd(acc[5], subgroupBroadcast(low, 5u), b0, b1, b2, b3);
    acc[6] = madd(acc[6], subgroupBroadcast(low, 6u), b0, b1, b2, b3);
    acc[7] = madd(acc[7], subgroupBroadcast(low, 7u), b0, b1, b2, b3);
    acc[8] = madd(acc[8], subgroupBroadcast(high, 0u), b0, b1, b2, b3);
    acc[9] = madd(acc[9], subgroupBroadcast(high, 1u), b0, b1, b2, b3);
    acc[10] = madd(acc[10], subgroupBroadcast(high, 2u), b0, b1, b2, b3);
    acc[11] = madd(acc[11], subgroupBroadcast(high, 3u), b0, b1, b2, b3);
    acc[12] = madd(acc[12], subgroupBroadcast(high, 4u), b0, b1, b2, b3);
    acc[13] = madd(acc[13], subgroupBroadcast(high, 5u), b0, b1, b2, b3);
    acc[14] = madd(acc[14], subgroupBroadcast(high, 6u), b0, b1, b2, b3);
    acc[15] = madd(acc[15], subgroupBroadcast(high, 7u), b0, b1, b2, b3);
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(OUT_C));
}

fn put(split: u32, row: u32, column: u32, value: vec4<f32>) {
    if ((row < params.rows) & (column < OUT_Q)) {
        output[(split * params.rows + row) * OUT_Q + column] = store_result(finished(column, value));
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
    let first = linear / tiles * ROWS;
    // Rows past the last are computed like it and not stored.
    let low = min(first + lane % 8u, params.rows - 1u) * quads;
    let high = min(first + 8u + lane % 8u, params.rows - 1u) * quads;

    let biased = (BIAS == 1u) & (group.z == 0u);
    let start = select(vec4(0.0), bias[select(0u, safe_column, biased)], biased);
    acc = array(
        start, start, start, start, start, start, start, start,
        start, start, start, start, start, start, start, start,
    );
    let begin = group.z * params.span;
    let end = min(begin + params.span, quads);
    for (var q = begin; q < end; q++) {
        step(load(input[low + q]), load(input[high + q]), 4u * q * OUT_Q + safe_column);
    }
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
