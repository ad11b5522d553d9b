// depthwise conv2d, gradient to the input: gathered over the outputs that an input pixel feeds.
//
//   grad_input[n, iy, ix, c] = bias[c] + sum over ky, kx, and the MULTIPLIER outputs o of channel c, of
//       grad_output[n, y, x, o] * weight[ky][kx][o]
//   y = (iy + PAD_TOP - ky * DILATION_H) / STRIDE_H, where that is whole and inside the output; x likewise
//
// It is also the forward pass of depthwise conv_transpose2d, which has the bias.
//
// grad_output  [n][OUT_H][OUT_W][OUT_Q] vec4 over output channels
// weight       [KERNEL_H][KERNEL_W][OUT_Q] vec4 over output channels
// bias         [IN_Q] vec4, read where BIAS is 1
// grad_input   [n][IN_H][IN_W][IN_Q] vec4 over channels
//
// An invocation owns one input quad of a strip of four pixels of a row; neighbours own neighbouring quads. The pixels
// of a strip are SPACING * STRIDE_W apart, so that the same taps meet whole outputs, every PERIOD-th, and what one of
// them meets under such a tap its right neighbour meets under the next (PERIOD and SPACING are those of
// depthwise_forward.wgsl). So no gradient is read twice for a row of taps.

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
override BIAS: u32 = 0;
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

// section activation: what the scheduler fuses into the store. Another function is put here.
fn activate(x: vec4<f32>) -> vec4<f32> {
    return x;
}
// end activation

struct Params {
    // The number of samples.
    batch: u32,
}

@group(0) @binding(0) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> grad_input: array<Quad>;
@group(0) @binding(4) var<uniform> params: Params;

// The gradient of an output quad at a pixel of a row of the output.
fn at(row: u32, x: i32, column: u32) -> vec4<f32> {
    let inside = (x >= 0) & (u32(x) < OUT_W);
    return select(vec4(0.0), load(grad_output[select(0u, (row * OUT_W + u32(x)) * OUT_Q + column, inside)]), inside);
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
    return select(vec4(0.0), activate(sum), vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(IN_C));
}

fn put(row: u32, x: u32, column: u32, sum: vec4<f32>) {
    if (x < IN_W) {
        grad_input[(row * IN_W + x) * IN_Q + column] = store(finished(column, sum));
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // Strips begin at as many successive pixels as their pixels lie apart, then four times as far to the right.
    let apart = SPACING * u32(STRIDE_W);
    let starts = min(apart, IN_W);
    let strips = (IN_W + 4u * apart - 1u) / (4u * apart) * starts;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let column = i % IN_Q;
    let strip = i / IN_Q % strips;
    let row = i / (IN_Q * strips);
    if (row >= params.batch * IN_H) {
        return;
    }
    let x = strip / starts * 4u * apart + strip % starts;
    // The first tap under which the strip meets whole outputs, if there is one, and the output that it meets. The
    // remainders are of what is not negative: of a negative number GLSL has none.
    let stride = u32(STRIDE_W);
    let px = x + u32(PAD_LEFT);
    var first = KERNEL_W;
    for (var kx = 0u; kx < min(PERIOD, KERNEL_W); kx++) {
        first = select(first, kx, px % stride == kx * u32(DILATION_W) % stride);
    }
    let nearest = i32(px / stride) - i32(first * u32(DILATION_W) / stride);
    var sum0 = select(vec4(0.0), bias[select(0u, column, BIAS == 1u)], BIAS == 1u);
    var sum1 = sum0;
    var sum2 = sum0;
    var sum3 = sum0;
    let spacing = i32(SPACING);
    let end = min((column + 1u) * MULTIPLIER, OUT_Q);
    for (var q = column * MULTIPLIER; q < end; q++) {
        var acc0 = vec4(0.0);
        var acc1 = vec4(0.0);
        var acc2 = vec4(0.0);
        var acc3 = vec4(0.0);
        for (var ky = 0u; ky < KERNEL_H; ky++) {
            let y = i32(row % IN_H) + PAD_TOP - i32(ky) * DILATION_H;
            if ((y < 0) | (y % STRIDE_H != 0) | (u32(y / STRIDE_H) >= OUT_H)) {
                continue;
            }
            let line = row / IN_H * OUT_H + u32(y / STRIDE_H);
            var ox = nearest;
            var a1 = at(line, ox + spacing, q);
            var a2 = at(line, ox + 2 * spacing, q);
            var a3 = at(line, ox + 3 * spacing, q);
            for (var kx = first; kx < KERNEL_W; kx += PERIOD) {
                let a0 = at(line, ox, q);
                let w = weight[(ky * KERNEL_W + kx) * OUT_Q + q];
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
