// conv2d, gradient to the weight: a register tile whose rows are shared through a subgroup.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, c] * grad_output[n, y, x, o]
//   sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP,   sx likewise; what lies outside counts as zero
//
// input        [n][IN_H][IN_W][IN_Q] vec4 over channels
// grad_output  [n][OUT_H][OUT_W][OUT_Q] vec4 over output channels
// partial      [split][rows][OUT_Q] vec4: the weight's layout, once for each split of the sum
//
// A workgroup is one subgroup. It owns four row quads (16 rows of the weight's matrix, a row being one channel
// under one tap) by 4 * LANES output channels, and the output pixels [z * span, (z + 1) * span) of the whole
// batch. It walks along the image rows two pixels at a time: lanes 0 to 3 load the four row quads of the first
// pixel, lanes 4 to 7 those of the second, and subgroupBroadcast hands them round. The span bounds the loops, and
// gives a wide device enough workgroups; common/sum_partials.wgsl joins the splits.

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

const ROW_QUADS: u32 = 4;
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

var<private> acc: array<vec4<f32>, 16>;

// Adds the outer product of a row quad and a column quad to four rows. Written out below for the four row
// quads of two pixels: the broadcasting lane is to be a constant, and an array indexed by a loop would
// leave the registers.
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

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let tiles = (OUT_Q + LANES - 1u) / LANES;
    let linear = group.x + group.y * groups.x;
    let column = linear % tiles * LANES + lane;
    let safe_column = min(column, OUT_Q - 1u);
    let first_quad = linear / tiles * ROW_QUADS;
    let quad = first_quad + lane % ROW_QUADS;
    // Which of the two pixels this lane loads for.
    let ahead = lane / ROW_QUADS % 2u;

    let zero = vec4(0.0);
    acc = array(zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero);
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.batch * OUT_H * OUT_W);
    if (IN_C < 4u) {
        let k = 4u * quad;
        let r0 = row_of_tap(k / IN_C, 0u);
        let r1 = row_of_tap(k / IN_C + 1u, 0u);
        let r2 = row_of_tap(k / IN_C + 2u, 0u);
        let r3 = row_of_tap(k / IN_C + 3u, 0u);
        for (var line = begin / OUT_W; line * OUT_W < end; line++) {
            let n = line / OUT_H;
            let y = line % OUT_H;
            let last = min(end - line * OUT_W, OUT_W);
            for (var x = max(begin, line * OUT_W) - line * OUT_W; x < last; x += 2u) {
                // Past the end of the line or the split, the second pixel's rows are zero, whatever its gradient.
                let at = select(OUT_W, x + ahead, x + ahead < last);
                let a = packed(
                    k % IN_C,
                    channels(r0, n, y, at),
                    channels(r1, n, y, at),
                    channels(r2, n, y, at),
                    channels(r3, n, y, at),
                );
                let d = (line * OUT_W + x) * OUT_Q + safe_column;
                let next = select(d, d + OUT_Q, x + 1u < last);
                step(a, load(grad_output[d]), load(grad_output[next]));
            }
        }
    } else {
        let quads = (IN_C + 3u) / 4u;
        let row = row_of_tap(quad / quads, quad % quads);
        for (var line = begin / OUT_W; line * OUT_W < end; line++) {
            let n = line / OUT_H;
            let y = line % OUT_H;
            let last = min(end - line * OUT_W, OUT_W);
            for (var x = max(begin, line * OUT_W) - line * OUT_W; x < last; x += 2u) {
                let at = select(OUT_W, x + ahead, x + ahead < last);
                let d = (line * OUT_W + x) * OUT_Q + safe_column;
                let next = select(d, d + OUT_Q, x + 1u < last);
                step(channels(row, n, y, at), load(grad_output[d]), load(grad_output[next]));
            }
        }
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
