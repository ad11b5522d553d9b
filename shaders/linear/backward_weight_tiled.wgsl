// linear and 1x1 convolution, gradient to the weight: tiles in workgroup memory.
//
//   grad_weight[k][o] = sum over m of input[m, k] * grad_output[m, o]
//
// The layout of the bindings and the splits are those of conv2d/backward_weight_subgroup.wgsl, the tiles those of
// conv2d/backward_weight_tiled.wgsl: a workgroup of 8 x 8 invocations owns 64 inputs by 64 outputs, brings 16
// rows at a time into workgroup memory (8 KiB), and each invocation adds an 8 x 8 block of products in
// registers.

override IN_C: u32 = 4;
override OUT_C: u32 = 4;
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

const TILE: u32 = 64;    // inputs, and outputs
const DEPTH: u32 = 16;   // rows of the sum brought in at a time

var<workgroup> rows: array<vec4<f32>, DEPTH * (TILE / 4)>;
var<workgroup> columns: array<vec4<f32>, DEPTH * (TILE / 4)>;

var<private> acc: array<vec4<f32>, 16>;

// Adds the products of the tiles: row quads ty and ty + 8 by column quads tx and tx + 8. The accumulators are
// written out here and below: an array indexed by a loop would leave the registers.
fn multiply(tx: u32, ty: u32) {
    for (var p = 0u; p < DEPTH; p++) {
        let a0 = rows[p * 16u + ty];
        let a1 = rows[p * 16u + ty + 8u];
        let d0 = columns[p * 16u + tx];
        let d1 = columns[p * 16u + tx + 8u];
        acc[0] = fma(vec4(a0.x), d0, acc[0]);
        acc[1] = fma(vec4(a0.x), d1, acc[1]);
        acc[2] = fma(vec4(a0.y), d0, acc[2]);
        acc[3] = fma(vec4(a0.y), d1, acc[3]);
        acc[4] = fma(vec4(a0.z), d0, acc[4]);
        acc[5] = fma(vec4(a0.z), d1, acc[5]);
        acc[6] = fma(vec4(a0.w), d0, acc[6]);
        acc[7] = fma(vec4(a0.w), d1, acc[7]);
        acc[8] = fma(vec4(a1.x), d0, acc[8]);
        acc[9] = fma(vec4(a1.x), d1, acc[9]);
        acc[10] = fma(vec4(a1.y), d0, acc[10]);
        acc[11] = fma(vec4(a1.y), d1, acc[11]);
        acc[12] = fma(vec4(a1.z), d0, acc[12]);
        acc[13] = fma(vec4(a1.z), d1, acc[13]);
        acc[14] = fma(vec4(a1.w), d0, acc[14]);
        acc[15] = fma(vec4(a1.w), d1, acc[15]);
    }
}

fn put(split: u32, row: u32, column: u32, value: vec4<f32>) {
    let rows = (IN_C + 3u) / 4u * 4u;
    if ((row < rows) & (column < OUT_Q)) {
        partial[(split * rows + row) * OUT_Q + column] = value;
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
    let first = linear / tiles * (TILE / 4u);
    let quad = first + index % 16u;
    let brought = column + index % 16u;

    let zero = vec4(0.0);
    acc = array(zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero);
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.rows);
    for (var base = begin; base < end; base += DEPTH) {
        for (var p = index / 16u; p < DEPTH; p += 4u) {
            let m = base + p;
            let has_row = (m < end) & (quad < quads);
            let has_column = (m < end) & (brought < OUT_Q);
            rows[p * 16u + index % 16u] = select(zero, load(input[select(0u, m * quads + quad, has_row)]), has_row);
            columns[p * 16u + index % 16u] =
                select(zero, load(grad_output[select(0u, m * OUT_Q + brought, has_column)]), has_column);
        }
        workgroupBarrier();
        multiply(local.x, local.y);
        workgroupBarrier();
    }
    put(group.z, 4u * (first + local.y), column + local.x, acc[0]);
    put(group.z, 4u * (first + local.y), column + local.x + 8u, acc[1]);
    put(group.z, 4u * (first + local.y) + 1u, column + local.x, acc[2]);
    put(group.z, 4u * (first + local.y) + 1u, column + local.x + 8u, acc[3]);
    put(group.z, 4u * (first + local.y) + 2u, column + local.x, acc[4]);
    put(group.z, 4u * (first + local.y) + 2u, column + local.x + 8u, acc[5]);
    put(group.z, 4u * (first + local.y) + 3u, column + local.x, acc[6]);
    put(group.z, 4u * (first + local.y) + 3u, column + local.x + 8u, acc[7]);
    put(group.z, 4u * (first + local.y + 8u), column + local.x, acc[8]);
    put(group.z, 4u * (first + local.y + 8u), column + local.x + 8u, acc[9]);
    put(group.z, 4u * (first + local.y + 8u) + 1u, column + local.x, acc[10]);
    put(group.z, 4u * (first + local.y + 8u) + 1u, column + local.x + 8u, acc[11]);
    put(group.z, 4u * (first + local.y + 8u) + 2u, column + local.x, acc[12]);
    put(group.z, 4u * (first + local.y + 8u) + 2u, column + local.x + 8u, acc[13]);
    put(group.z, 4u * (first + local.y + 8u) + 3u, column + local.x, acc[14]);
    put(group.z, 4u * (first + local.y + 8u) + 3u, column + local.x + 8u, acc[15]);
}
