// depthwise conv2d, gradient to the weight: a split sum over pixels for four taps of a kernel row at a time.
//
//   grad_weight[ky][kx][o] = sum over n, y, x of input[n, sy, sx, o / MULTIPLIER] * grad_output[n, y, x, o]
//   sy = y * stride_height + ky * dilation_height - pad_top, sx likewise; what lies outside counts as zero
//
// input        [n][in_height][in_width][in_quads] vec4 over channels
// grad_output  [n][out_height][out_width][out_quads] vec4 over output channels
// partial      [split][rows][out_quads] vec4: the weight's layout, once for each split of the sum; rows = the taps,
//              rounded up to whole quads
//
// An invocation owns one output quad of four taps of a kernel row, for the output pixels [z * span, (z + 1) * span)
// of the whole batch. The taps are PERIOD apart, and it walks along an image row in steps of SPACING (both are those of
// depthwise_forward.wgsl), so that what one tap meets at a pixel is what its left neighbour meets at the next, and one
// input is read a step. Neighbours own neighbouring quads. common/sum_partials.wgsl joins the splits.

override KERNEL_H: u32 = 1;
override KERNEL_W: u32 = 1;
override PERIOD: u32 = 1;
override SPACING: u32 = 1;
override MULTIPLIER: u32 = 1;

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
    // section sizes: the images and the window, in the same words in every kernel that takes both from its uniform.
    in_height: u32,
    in_width: u32,
    // Quads of channels of the input.
    in_quads: u32,
    out_height: u32,
    out_width: u32,
    out_channels: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_height: i32,
    stride_width: i32,
    dilation_height: i32,
    dilation_width: i32,
    pad_top: i32,
    pad_left: i32,
    // end sizes
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

// Quads of channels of the output.
fn out_quads() -> u32 {
    return (params.out_channels + 3u) / 4u;
}

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
    let inside = (x >= 0) & (u32(x) < params.in_width);
    let index = select(0u, (row * params.in_width + u32(x)) * params.in_quads + column / MULTIPLIER, inside);
    return spread(select(vec4(0.0), load(input[index]), inside), column);
}

fn put(split: u32, ky: u32, kx: u32, column: u32, sum: vec4<f32>) {
    if (kx < KERNEL_W) {
        let rows = (KERNEL_H * KERNEL_W + 3u) / 4u * 4u;
        partial[(split * rows + ky * KERNEL_W + kx) * out_quads() + column] = sum;
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let columns = out_quads();
    // Strips of taps begin at PERIOD successive taps, then four times as far to the right.
    let starts = min(PERIOD, KERNEL_W);
    let strips = (KERNEL_W + 4u * PERIOD - 1u) / (4u * PERIOD) * starts;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let column = i % columns;
    let strip = i / columns % strips;
    let ky = i / (columns * strips);
    if (ky >= KERNEL_H) {
        // What is past the taps only pads the weight.
        let row = KERNEL_H * KERNEL_W + i / columns - KERNEL_H * strips;
        let rows = (KERNEL_H * KERNEL_W + 3u) / 4u * 4u;
        if (row < rows) {
            partial[(group.z * rows + row) * columns + column] = vec4(0.0);
        }
        return;
    }
    let kx = strip / starts * 4u * PERIOD + strip % starts;
    // How far the inputs of neighbouring taps lie apart.
    let apart = i32(PERIOD) * params.dilation_width;
    var acc0 = vec4(0.0);
    var acc1 = vec4(0.0);
    var acc2 = vec4(0.0);
    var acc3 = vec4(0.0);
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.batch * params.out_height * params.out_width);
    for (var line = begin / params.out_width; line * params.out_width < end; line++) {
        let sy = i32(line % params.out_height) * params.stride_height + i32(ky) * params.dilation_height - params.pad_top;
        if ((sy < 0) | (u32(sy) >= params.in_height)) {
            continue;
        }
        let row = line / params.out_height * params.in_height + u32(sy);
        let first = max(begin, line * params.out_width) - line * params.out_width;
        let last = min(end - line * params.out_width, params.out_width);
        for (var start = first; start < min(first + SPACING, last); start++) {
            var sx = i32(start) * params.stride_width + i32(kx) * params.dilation_width - params.pad_left;
            var a0 = at(row, sx, column);
            var a1 = at(row, sx + apart, column);
            var a2 = at(row, sx + 2 * apart, column);
            for (var x = start; x < last; x += SPACING) {
                let a3 = at(row, sx + 3 * apart, column);
                let d = load(grad_output[(line * params.out_width + x) * columns + column]);
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
