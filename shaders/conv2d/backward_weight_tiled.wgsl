// conv2d, gradient to the weight: tiles in workgroup memory.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, c] * grad_output[n, y, x, o]
//   sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP,   sx likewise; what lies outside counts as zero
//
// The layout of the bindings is that of backward_weight_subgroup.wgsl: the two compute the same. This one needs
// no subgroups and suits a GPU whose workgroup memory is fast.
//
// A workgroup of 8 x 8 invocations owns 64 rows of the weight's matrix (a row being one channel under one tap)
// by 64 output channels, and the output pixels [z * span, (z + 1) * span) of the whole batch. It brings 16
// pixels at a time into workgroup memory (8 KiB), and each invocation adds an 8 x 8 block of products in
// registers. common/sum_partials.wgsl joins the splits.

override IN_H: u32 = 1;
override IN_W: u32 = 1;
override IN_C: u32 = 4;
override OUT_H: u32 = 1;
override OUT_W: u32 = 1;
override OUT_C: u32 = 4;
override KERNEL_H: u32 = 1;
override KERNEL_W: u32 = 1;
override STRIDE_H: i32 = 1;
override STRIDE_W: i32 = 1;
override DILATION_H: i32 = 1;
override DILATION_W: i32 = 1;
override PAD_TOP: i32 = 0;
override PAD_LEFT: i32 = 0;
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
    // The number of samples.
    batch: u32,
    // How many output pixels one split sums.
    span: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const OUTSIDE: u32 = 0xffffffffu;

// A quad of rows of the weight's matrix: the offset of its tap from a pixel's first, and its quad of channels.
struct Row {
    y: i32,
    x: i32,
    quad: u32,
    valid: bool,
}

fn row_of_tap(tap: u32, quad: u32) -> Row {
    let y = i32(tap / KERNEL_W) * DILATION_H - PAD_TOP;
    let x = i32(tap % KERNEL_W) * DILATION_W - PAD_LEFT;
    return Row(y, x, quad, tap < KERNEL_H * KERNEL_W);
}

fn source(row: Row, sample: u32, y: u32, x: u32) -> u32 {
    let sy = i32(y) * STRIDE_H + row.y;
    let sx = i32(x) * STRIDE_W + row.x;
    let inside = row.valid & (x < OUT_W) & (sy >= 0) & (sx >= 0) & (u32(sy) < IN_H) & (u32(sx) < IN_W);
    return select(OUTSIDE, (sample * IN_H + u32(sy)) * IN_W + u32(sx), inside);
}

fn channels(row: Row, sample: u32, y: u32, x: u32) -> vec4<f32> {
    let source = source(row, sample, y, x);
    let inside = source != OUTSIDE;
    return select(vec4(0.0), load(input[select(0u, source * ((IN_C + 3u) / 4u) + row.quad, inside)]), inside);
}

// A quad of the flattened (tap, channel) sum for inputs of fewer than four channels: it begins `skip` channels into the
// first of the given taps, and goes on through those that follow.
fn packed(skip: u32, first: vec4<f32>, second: vec4<f32>, third: vec4<f32>, fourth: vec4<f32>) -> vec4<f32> {
    if (IN_C == 1u) {
        return vec4(first.x, second.x, third.x, fourth.x);
    }
    if (IN_C == 2u) {
        return vec4(first.xy, second.xy);
    }
    let late = select(vec4(first.yz, second.xy), vec4(first.z, second.xyz), skip == 2u);
    return select(late, vec4(first.xyz, second.x), skip == 0u);
}

const TILE: u32 = 64;    // rows of the weight's matrix, and output channels
const DEPTH: u32 = 16;   // pixels brought in at a time

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

fn row_quads() -> u32 {
    let quads = (IN_C + 3u) / 4u;
    return select(KERNEL_H * KERNEL_W * quads, (KERNEL_H * KERNEL_W * IN_C + 3u) / 4u, IN_C < 4u);
}

fn put(split: u32, row: u32, column: u32, value: vec4<f32>) {
    let rows = 4u * row_quads();
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
    let tiles = (4u * OUT_Q + TILE - 1u) / TILE;
    let linear = group.x + group.y * groups.x;
    let column = linear % tiles * (TILE / 4u);
    let first = linear / tiles * (TILE / 4u);
    // What this invocation brings in: one row quad and one column quad, of four of the pixels.
    let quad = first + index % 16u;
    let brought = column + index % 16u;
    let quads = (IN_C + 3u) / 4u;
    let k = 4u * quad;
    let row = row_of_tap(quad / quads, quad % quads);
    let r0 = row_of_tap(k / IN_C, 0u);
    let r1 = row_of_tap(k / IN_C + 1u, 0u);
    let r2 = row_of_tap(k / IN_C + 2u, 0u);
    let r3 = row_of_tap(k / IN_C + 3u, 0u);

    let zero = vec4(0.0);
    acc = array(zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero);
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.batch * OUT_H * OUT_W);
    for (var base = begin; base < end; base += DEPTH) {
        for (var p = index / 16u; p < DEPTH; p += 4u) {
            let pixel = base + p;
            let x = pixel % OUT_W;
            let y = pixel / OUT_W % OUT_H;
            let n = pixel / (OUT_W * OUT_H);
            var a = zero;
            if (pixel < end) {
                if (IN_C < 4u) {
                    a = packed(
                        k % IN_C,
                        channels(r0, n, y, x),
                        channels(r1, n, y, x),
                        channels(r2, n, y, x),
                        channels(r3, n, y, x),
                    );
                } else {
                    a = channels(row, n, y, x);
                }
            }
            rows[p * 16u + index % 16u] = a;
            let inside = (pixel < end) & (brought < OUT_Q);
            columns[p * 16u + index % 16u] =
                select(zero, load(grad_output[select(0u, pixel * OUT_Q + brought, inside)]), inside);
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
