// depthwise conv2d, gradient to the input: gathered over the outputs that an input pixel feeds.
//
//   grad_input[n, iy, ix, c] = bias[c] + sum over ky, kx, and the MULTIPLIER outputs o of channel c, of
//       grad_output[n, y, x, o] * weight[ky][kx][o]
//   y = (iy + pad_top - ky * dilation_height) / STRIDE_H, where that is whole and inside the output; x likewise
//
// It is also the forward pass of depthwise conv_transpose2d, which has the bias.
//
// grad_output  [n][out_height][out_width][out_quads] vec4 over output channels
// weight       [KERNEL_H][KERNEL_W][out_quads] vec4 over output channels
// bias         [in_quads] vec4, read where BIAS is 1
// grad_input   [n][in_height][in_width][in_quads] vec4 over channels
//
// An invocation owns one input quad of a strip of four pixels of a row; neighbours own neighbouring quads. The pixels
// of a strip are SPACING * STRIDE_W apart, so that the same taps meet whole outputs, every PERIOD-th, and what one of
// them meets under such a tap its right neighbour meets under the next (PERIOD and SPACING are those of
// depthwise_forward.wgsl). So no gradient is read twice for a row of taps.

override KERNEL_H: u32 = 1;
override KERNEL_W: u32 = 1;
override STRIDE_H: i32 = 1;
override STRIDE_W: i32 = 1;
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

@group(0) @binding(0) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> grad_input: array<Quad>;
@group(0) @binding(4) var<uniform> params: Params;

// Quads of channels of the output.
fn out_quads() -> u32 {
    return (params.out_channels + 3u) / 4u;
}

// The gradient of an output quad at a pixel of a row of the output.
fn at(row: u32, x: i32, column: u32) -> vec4<f32> {
    let inside = (x >= 0) & (u32(x) < params.out_width);
    let index = select(0u, (row * params.out_width + u32(x)) * out_quads() + column, inside);
    return select(vec4(0.0), load(grad_output[index]), inside);
}

// The sums of an output quad's lanes by the input channel that they belong to, all of one input quad.
fn gathered(sum: vec4<f32>, column: u32) -> vec4<f32> {
    if (MULTIPLIER == 1u) {
        return sum;
    }
    let lane = (vec4(column % MULTIPLIER * 4u) + vec4(0u, 1u, 2u, 3u)) / MULTIPLIER;
    let lanes = vec4(0u, 1u, 2u, 3u);
    let zero = vec4(0.0);
    let low = select(zero, vec4(sum.x), lanes == vec4(lane.x)) + select(zero, vec4(sum.y), lanes == vec4(lane.y));
    let high = select(zero, vec4(sum.z), lanes == vec4(lane.z)) + select(zero, vec4(sum.w), lanes == vec4(lane.w));
    return low + high;
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    let channels = vec4(4u * column) + vec4(0u, 1u, 2u, 3u);
    return select(vec4(0.0), activate(sum), channels < vec4(params.out_channels / MULTIPLIER));
}

fn put(row: u32, x: u32, column: u32, sum: vec4<f32>) {
    if (x < params.in_width) {
        grad_input[(row * params.in_width + x) * params.in_quads + column] = store(finished(column, sum));
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let out_columns = out_quads();
    // Strips begin at as many successive pixels as their pixels lie apart, then four times as far to the right.
    let apart = SPACING * u32(STRIDE_W);
    let starts = min(apart, params.in_width);
    let strips = (params.in_width + 4u * apart - 1u) / (4u * apart) * starts;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let column = i % params.in_quads;
    let strip = i / params.in_quads % strips;
    let row = i / (params.in_quads * strips);
    if (row >= params.batch * params.in_height) {
        return;
    }
    let x = strip / starts * 4u * apart + strip % starts;
    // The first tap under which the strip meets whole outputs, if there is one, and the output that it meets. The
    // remainders are of what is not negative: of a negative number GLSL has none.
    let stride = u32(STRIDE_W);
    let px = x + u32(params.pad_left);
    var first = KERNEL_W;
    for (var kx = 0u; kx < min(PERIOD, KERNEL_W); kx++) {
        first = select(first, kx, px % stride == kx * u32(params.dilation_width) % stride);
    }
    let nearest = i32(px / stride) - i32(first * u32(params.dilation_width) / stride);
    var sum0 = select(vec4(0.0), bias[select(0u, column, BIAS == 1u)], BIAS == 1u);
    var sum1 = sum0;
    var sum2 = sum0;
    var sum3 = sum0;
    let spacing = i32(SPACING);
    let end = min((column + 1u) * MULTIPLIER, out_columns);
    for (var q = column * MULTIPLIER; q < end; q++) {
        var acc0 = vec4(0.0);
        var acc1 = vec4(0.0);
        var acc2 = vec4(0.0);
        var acc3 = vec4(0.0);
        for (var ky = 0u; ky < KERNEL_H; ky++) {
            let y = i32(row % params.in_height) + params.pad_top - i32(ky) * params.dilation_height;
            if ((y < 0) | (y % STRIDE_H != 0) | (u32(y / STRIDE_H) >= params.out_height)) {
                continue;
            }
            let line = row / params.in_height * params.out_height + u32(y / STRIDE_H);
            var ox = nearest;
            var a1 = at(line, ox + spacing, q);
            var a2 = at(line, ox + 2 * spacing, q);
            var a3 = at(line, ox + 3 * spacing, q);
            for (var kx = first; kx < KERNEL_W; kx += PERIOD) {
                let a0 = at(line, ox, q);
                let w = weight[(ky * KERNEL_W + kx) * out_columns + q];
                acc0 = fma(a0, w, acc0);
                acc1 = fma(a1, w, acc1);
                acc2 = fma(a2, w, acc2);
                acc3 = fma(a3, w, acc3);
                a3 = a2;
                a2 = a1;
                a1 = a0;
                ox -= spacing;
            }
        }
        sum0 += gathered(acc0, q);
        sum1 += gathered(acc1, q);
        sum2 += gathered(acc2, q);
        sum3 += gathered(acc3, q);
    }
    put(row, x, column, sum0);
    put(row, x + apart, column, sum1);
    put(row, x + 2u * apart, column, sum2);
    put(row, x + 3u * apart, column, sum3);
}
