// depthwise conv2d, forward: each input channel alone gives MULTIPLIER = out_channels / in_channels output channels.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx of input[n, sy, sx, o / MULTIPLIER] * weight[ky][kx][o]
//   sy = y * stride_height + ky * dilation_height - pad_top,   sx likewise; what lies outside counts as zero
//
// input   [n][in_height][in_width][in_quads] vec4 over channels
// weight  [KERNEL_H][KERNEL_W][out_quads] vec4 over output channels
// bias    [out_quads] vec4, read where BIAS is 1
// output  [n][out_height][out_width][out_quads] vec4
//
// An invocation owns one output quad of a strip of four pixels of a row; neighbours own neighbouring quads. What
// bounds it is reading, so it reads no input twice for a row of taps: with PERIOD = stride_width / gcd and
// SPACING = dilation_width / gcd of the two, the pixels of a strip are SPACING apart, and what one of them meets under a
// tap its left neighbour meets under the tap PERIOD further. So the taps are taken PERIOD apart, the four inputs move
// one place to the left from one to the next, and only the last is read.
//
// The sum is of few terms, as all taps are in one invocation: larger kernels run as conv2d with groups.

override KERNEL_H: u32 = 1;
override KERNEL_W: u32 = 1;
override PERIOD: u32 = 1;
override SPACING: u32 = 1;
override BIAS: u32 = 0;
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

// section activation: what the scheduler fuses into the store. Another function is put here.
fn activate(x: vec4<f32>) -> vec4<f32> {
    return x;
}
// end activation

struct Params {
    // The number of samples.
    batch: u32,
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
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Quad>;
@group(0) @binding(4) var<uniform> params: Params;

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

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(params.out_channels));
}

fn put(row: u32, x: u32, column: u32, sum: vec4<f32>) {
    if (x < params.out_width) {
        output[(row * params.out_width + x) * out_quads() + column] = store(finished(column, sum));
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let columns = out_quads();
    // Strips begin at SPACING successive pixels, then four times as far to the right.
    let starts = min(SPACING, params.out_width);
    let strips = (params.out_width + 4u * SPACING - 1u) / (4u * SPACING) * starts;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let column = i % columns;
    let strip = i / columns % strips;
    let row = i / (columns * strips);
    if (row >= params.batch * params.out_height) {
        return;
    }
    let x = strip / starts * 4u * SPACING + strip % starts;
    var acc0 = select(vec4(0.0), bias[select(0u, column, BIAS == 1u)], BIAS == 1u);
    var acc1 = acc0;
    var acc2 = acc0;
    var acc3 = acc0;
    // How far the inputs of neighbours in the strip lie apart.
    let apart = i32(SPACING) * params.stride_width;
    for (var ky = 0u; ky < KERNEL_H; ky++) {
        let sy = i32(row % params.out_height) * params.stride_height + i32(ky) * params.dilation_height - params.pad_top;
        if ((sy < 0) | (u32(sy) >= params.in_height)) {
            continue;
        }
        let line = row / params.out_height * params.in_height + u32(sy);
        for (var first = 0u; first < min(PERIOD, KERNEL_W); first++) {
            var sx = i32(x) * params.stride_width + i32(first) * params.dilation_width - params.pad_left;
            var a0 = at(line, sx, column);
            var a1 = at(line, sx + apart, column);
            var a2 = at(line, sx + 2 * apart, column);
            for (var kx = first; kx < KERNEL_W; kx += PERIOD) {
                let a3 = at(line, sx + 3 * apart, column);
                let w = weight[(ky * KERNEL_W + kx) * columns + column];
                acc0 = fma(a0, w, acc0);
                acc1 = fma(a1, w, acc1);
                acc2 = fma(a2, w, acc2);
                acc3 = fma(a3, w, acc3);
                a0 = a1;
                a1 = a2;
                a2 = a3;
                sx += apart;
            }
        }
    }
    put(row, x, column, acc0);
    put(row, x + SPACING, column, acc1);
    put(row, x + 2u * SPACING, column, acc2);
    put(row, x + 3u * SPACING, column, acc3);
}
