// linear and 1x1 convolution, forward: a matrix product with tiles in workgroup memory.
//
//   output[m, o] = bias[o] + sum over k of input[m, k] * weight[k][o]
//
// The layout of the bindings and the splits are those of conv2d/forward_subgroup.wgsl, the tiles those of
// conv2d/forward_tiled.wgsl: a workgroup of 8 x 8 invocations owns 64 rows and 64 outputs, brings 16 terms of
// the sum at a time into workgroup memory (9 KiB), and each invocation adds an 8 x 8 block of products in
// registers.

override IN_C: u32 = 4;
override OUT_C: u32 = 4;
override BIAS: u32 = 0;
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

const TILE: u32 = 64;      // rows, and outputs
const DEPTH: u32 = 4;      // quads of the sum brought in at a time
const PITCH: u32 = DEPTH + 1;

var<workgroup> rows: array<vec4<f32>, TILE * PITCH>;
var<workgroup> columns: array<vec4<f32>, 4 * DEPTH * (TILE / 4)>;

var<private> acc: array<vec4<f32>, 16>;

// acc + the product of one row's quad with four columns' rows.
fn madd(acc: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, acc))));
}

// Adds the products of the tiles. The accumulators are written out here and below: an array indexed by a loop
// would leave the registers.
fn multiply(tx: u32, ty: u32) {
    for (var q = 0u; q < DEPTH; q++) {
        let a0 = rows[ty * PITCH + q];
        let a1 = rows[(ty + 8u) * PITCH + q];
        let a2 = rows[(ty + 16u) * PITCH + q];
        let a3 = rows[(ty + 24u) * PITCH + q];
        let a4 = rows[(ty + 32u) * PITCH + q];
        let a5 = rows[(ty + 40u) * PITCH + q];
        let a6 = rows[(ty + 48u) * PITCH + q];
        let a7 = rows[(ty + 56u) * PITCH + q];
        {
            let c = 4u * q * 16u + tx;
            let b0 = columns[c];
            let b1 = columns[c + 16u];
            let b2 = columns[c + 32u];
            let b3 = columns[c + 48u];
            acc[0] = madd(acc[0], a0, b0, b1, b2, b3);
            acc[2] = madd(acc[2], a1, b0, b1, b2, b3);
            acc[4] = madd(acc[4], a2, b0, b1, b2, b3);
            acc[6] = madd(acc[6], a3, b0, b1, b2, b3);
            acc[8] = madd(acc[8], a4, b0, b1, b2, b3);
            acc[10] = madd(acc[10], a5, b0, b1, b2, b3);
            acc[12] = madd(acc[12], a6, b0, b1, b2, b3);
            acc[14] = madd(acc[14], a7, b0, b1, b2, b3);
        }
        {
            let c = 4u * q * 16u + tx + 8u;
            let b0 = columns[c];
            let b1 = columns[c + 16u];
            let b2 = columns[c + 32u];
            let b3 = columns[c + 48u];
            acc[1] = madd(acc[1], a0, b0, b1, b2, b3);
            acc[3] = madd(acc[3], a1, b0, b1, b2, b3);
            acc[5] = madd(acc[5], a2, b0, b1, b2, b3);
            acc[7] = madd(acc[7], a3, b0, b1, b2, b3);
            acc[9] = madd(acc[9], a4, b0, b1, b2, b3);
            acc[11] = madd(acc[11], a5, b0, b1, b2, b3);
            acc[13] = madd(acc[13], a6, b0, b1, b2, b3);
            acc[15] = madd(acc[15], a7, b0, b1, b2, b3);
        }
    }
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

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let quads = (IN_C + 3u) / 4u;
    let tiles = (4u * OUT_Q + TILE - 1u) / TILE;
    let linear = group.x + group.y * groups.x;
    let column = linear % tiles * (TILE / 4u);
    let first = linear / tiles * TILE;
    let brought = column + index % 16u;

    let biased = (BIAS == 1u) & (group.z == 0u);
    let low = select(vec4(0.0), bias[select(0u, min(column + local.x, OUT_Q - 1u), biased)], biased);
    let high = select(vec4(0.0), bias[select(0u, min(column + local.x + 8u, OUT_Q - 1u), biased)], biased);
    acc = array(low, high, low, high, low, high, low, high, low, high, low, high, low, high, low, high);
    let begin = group.z * params.span;
    let end = min(begin + params.span, quads);
    for (var k = begin; k < end; k += DEPTH) {
        // Neighbours bring neighbouring quads of a row.
        for (var i = index; i < TILE * DEPTH; i += 64u) {
            let row = min(first + i / DEPTH, params.rows - 1u);
            let q = k + i % DEPTH;
            rows[i / DEPTH * PITCH + i % DEPTH] = select(vec4(0.0), load(input[row * quads + min(q, quads - 1u)]), q < end);
        }
        for (var i = index / 16u; i < 4u * DEPTH; i += 4u) {
            let row = 4u * k + i;
            let inside = (row < 4u * end) & (brought < OUT_Q);
            columns[i * 16u + index % 16u] = select(vec4(0.0), weight[select(0u, row * OUT_Q + brought, inside)], inside);
        }
        workgroupBarrier();
        multiply(local.x, local.y);
        workgroupBarrier();
    }
    put(group.z, first + local.y, column + local.x, acc[0]);
    put(group.z, first + local.y, column + local.x + 8u, acc[1]);
    put(group.z, first + local.y + 8u, column + local.x, acc[2]);
    put(group.z, first + local.y + 8u, column + local.x + 8u, acc[3]);
    put(group.z, first + local.y + 16u, column + local.x, acc[4]);
    put(group.z, first + local.y + 16u, column + local.x + 8u, acc[5]);
    put(group.z, first + local.y + 24u, column + local.x, acc[6]);
    put(group.z, first + local.y + 24u, column + local.x + 8u, acc[7]);
    put(group.z, first + local.y + 32u, column + local.x, acc[8]);
    put(group.z, first + local.y + 32u, column + local.x + 8u, acc[9]);
    put(group.z, first + local.y + 40u, column + local.x, acc[10]);
    put(group.z, first + local.y + 40u, column + local.x + 8u, acc[11]);
    put(group.z, first + local.y + 48u, column + local.x, acc[12]);
    put(group.z, first + local.y + 48u, column + local.x + 8u, acc[13]);
    put(group.z, first + local.y + 56u, column + local.x, acc[14]);
    put(group.z, first + local.y + 56u, column + local.x + 8u, acc[15]);
}
