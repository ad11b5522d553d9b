// depthwise conv2d, gradient to the weight: a split sum over pixels for four taps of a kernel row at a time.
//
//   grad_weight[ky][kx][o] = sum over n, y, x of input[n, sy, sx, o / MULTIPLIER] * grad_output[n, y, x, o]
//   sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP, sx likewise; what lies outside counts as zero
//
// input        [n][IN_H][IN_W][IN_Q] vec4 over channels
// grad_output  [n][OUT_H][OUT_W][OUT_Q] vec4 over output channels
// partial      [split][rows][OUT_Q] vec4: the weight's layout, once for each split of the sum; rows = the taps,
//              rounded up to whole quads
//
// An invocation owns one output quad of four taps of a kernel row, for the output pixels [z * span, (z + 1) * span)
// of the whole batch. The taps are PERIOD apart, and it walks along an image row in steps of SPACING (both are those of
// depthwise_forward.wgsl), so that what one tap meets at a pixel is what its left neighbour meets at the next, and one
// input is read a step. Neighbours own neighbouring quads. common/sum_partials.wgsl joins the splits.

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
override PERIOD: u32 = 1;
override SPACING: u32 = 1;
override IN_Q: u32 = (IN_C + 3u) / 4u;
override OUT_Q: u32 = (OUT_C + 3u) / 4u;
override MULTIPLIER: u32 = OUT_C / IN_C;

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

// The input channels of the four lanes of an output quad, which all lie in one quad of the input.
fn spread(a: vec4<f32>, column: u32) -> vec4<f32> {
    if (MULTIPLIER == 1u) {
        return a;
    }
    let lane = (vec4(column % MULTIPLIER * 4u) + vec4(0u, 1u, 2u, 3u)) / MULTIPLIER;
    return vec4(a[lane.x], a[lane.y], a[lane.z], a[lane.w]);
}

// What an output quad meets at a pixel of a row of the input.
fn at(row: u32, x: i32, column: u32) -> vec4<f32> {
    let inside = (x >= 0) & (u32(x) < IN_W);
    let index = select(0u, (row * IN_W + u32(x)) * IN_Q + column / MULTIPLIER, inside);
    return spread(select(vec4(0.0), load(input[index]), inside), column);
}

fn put(split: u32, ky: u32, kx: u32, column: u32, sum: vec4<f32>) {
    if (kx < KERNEL_W) {
        let rows = (KERNEL_H * KERNEL_W + 3u) / 4u * 4u;
        partial[(split * rows + ky * KERNEL_W + kx) * OUT_Q + column] = sum;
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // Strips of taps begin at PERIOD successive taps, then four times as far to the right.
    let starts = min(PERIOD, KERNEL_W);
    let strips = (KERNEL_W + 4u * PERIOD - 1u) / (4u * PERIOD) * starts;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let column = i % OUT_Q;
    let strip = i / OUT_Q % strips;
    let ky = i / (OUT_Q * strips);
    if (ky >= KERNEL_H) {
        // What is past the taps only pads the weight.
        let row = KERNEL_H * KERNEL_W + i / OUT_Q - KERNEL_H * strips;
        let rows = (KERNEL_H * KERNEL_W + 3u) / 4u * 4u;
        if (row < rows) {
            partial[(group.z * rows + row) * OUT_Q + column] = vec4(0.0);
        }
        return;
    }
    let kx = strip / starts * 4u * PERIOD + strip % starts;
    // How far the inputs of neighbouring taps lie apart.
    let apart = i32(PERIOD) * DILATION_W;
    var acc0 = vec4(0.0);
    var acc1 = vec4(0.0);
    var acc2 = vec4(0.0);
    var acc3 = vec4(0.0);
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.batch * OUT_H * OUT_W);
    for (var line = begin / OUT_W; line * OUT_W < end; line++) {
        let sy = i32(line % OUT_H) * STRIDE_H + i32(ky) * DILATION_H - PAD_TOP;
        if ((sy < 0) | (u32(sy) >= IN_H)) {
            continue;
        }
        let row = line / OUT_H * IN_H + u32(sy);
        let first = max(begin, line * OUT_W) - line * OUT_W;
        let last = min(end - line * OUT_W, OUT_W);
        for (var start = first; start < min(first + SPACING, last); start++) {
            var sx = i32(start) * STRIDE_W + i32(kx) * DILATION_W - PAD_LEFT;
            var a0 = at(row, sx, column);
            var a1 = at(row, sx + apart, column);
            var a2 = at(row, sx + 2 * apart, column);
            for (var x = start; x < last; x += SPACING) {
                let a3 = at(row, sx + 3 * apart, column);
                let d = load(grad_output[(line * OUT_W + x) * OUT_Q + column]);
                acc0 = fma(a0, d, acc0);
                acc1 = fma(a1, d, acc1);
                acc2 = fma(a2, d, acc2);
                acc3 = fma(a3, d, acc3);
                a0 = a1;
                a1 = a2;
                a2 = a3;
                sx += apart;
            }
        }
    }
    put(group.z, ky, kx, column, acc0);
    put(group.z, ky, kx + PERIOD, column, acc1);
    put(group.z, ky, kx + 2u * PERIOD, column, acc2);
    put(group.z, ky, kx + 3u * PERIOD, column, acc3);
}
