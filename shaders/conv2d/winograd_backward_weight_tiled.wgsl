// conv2d by Winograd's minimal filtering: the products at the points that make the gradient to the weight, with tiles in
// workgroup memory.
//
//   partial[split][p][c][o] = sum over the tiles of the split of input[p][tile][c] * grad_output[p][tile][o]
//
// The layout of the bindings is that of winograd_backward_weight_subgroup.wgsl, the work is shared out as in
// linear/backward_weight_tiled.wgsl: z is the split and the point, a workgroup of 8 x 8 invocations owns 64 input and 64
// output channels, brings 16 of Winograd's tiles at a time into workgroup memory (8 KiB), and each invocation adds an
// 8 x 8 block of products in registers.

struct Params {
    // A multiple of 32.
    tiles: u32,
    // How many tiles one split sums; a multiple of 32.
    span: u32,
    // Quads of channels.
    inputs: u32,
    outputs: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> grad_output: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const POINTS: u32 = 36;
const TILE: u32 = 64;    // inputs, and outputs
const DEPTH: u32 = 16;   // Winograd's tiles brought in at a time

var<workgroup> rows: array<vec4<f32>, DEPTH * (TILE / 4)>;
var<workgroup> columns: array<vec4<f32>, DEPTH * (TILE / 4)>;

var<private> acc: array<vec4<f32>, 16>;

// Adds the products of what was brought in: row quads ty and ty + 8 by column quads tx and tx + 8. The accumulators are
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

fn put(layer: u32, row: u32, column: u32, value: vec4<f32>) {
    if ((row < 4u * params.inputs) & (column < params.outputs)) {
        partial[(layer * 4u * params.inputs + row) * params.outputs + column] = value;
    }
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let tiles = (4u * params.outputs + TILE - 1u) / TILE;
    let linear = group.x + group.y * groups.x;
    let column = linear % tiles * (TILE / 4u);
    let first = linear / tiles * (TILE / 4u);
    let point = group.z % POINTS;

    let zero = vec4(0.0);
    acc = array(zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero);
    let begin = group.z / POINTS * params.span;
    let end = min(begin + params.span, params.tiles);
    for (var base = begin; base < end; base += DEPTH) {
        let tile = point * params.tiles + base;
        // Neighbours bring neighbouring vec4: the tiles of a block, then its next quad.
        for (var i = index; i < DEPTH * 16u; i += 64u) {
            let p = i / 128u * 8u + i % 8u;
            let quad = first + i / 8u % 16u;
            let inside = quad < params.inputs;
            let source = ((tile + p) / 8u * params.inputs + quad) * 8u + i % 8u;
            rows[p * 16u + quad - first] = select(zero, input[select(0u, source, inside)], inside);
        }
        for (var p = index / 16u; p < DEPTH; p += 4u) {
            let brought = column + index % 16u;
            let inside = brought < params.outputs;
            let source = (tile + p) * params.outputs + brought;
            columns[p * 16u + index % 16u] = select(zero, grad_output[select(0u, source, inside)], inside);
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
