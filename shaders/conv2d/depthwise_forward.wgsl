// depthwise conv2d, forward: each input channel alone gives MULTIPLIER = OUT_C / IN_C output channels.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx of input[n, sy, sx, o / MULTIPLIER] * weight[ky][kx][o]
//   sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP,   sx likewise; what lies outside counts as zero
//
// input   [n][IN_H][IN_W][IN_Q] vec4 over channels
// weight  [KERNEL_H][KERNEL_W][OUT_Q] vec4 over output channels
// bias    [OUT_Q] vec4, read where BIAS is 1
// output  [n][OUT_H][OUT_W][OUT_Q] vec4
//
// An invocation owns one output quad of a strip of four pixels of a row; neighbours own neighbouring quads. What
// bounds it is reading, so it reads no input twice for a row of taps: with PERIOD = STRIDE_W / gcd and
// SPACING = DILATION_W / gcd of the two, the pixels of a strip are SPACING apart, and what one of them meets under a
// tap its left neighbour meets under the tap PERIOD further. So the taps are taken PERIOD apart, the four inputs move
// one place to the left from one to the next, and only the last is read.
//
// The sum is of few terms, as all taps are in one invocation: larger kernels run as conv2d with groups.

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

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Quad>;
@group(0) @binding(4) var<uniform> params: Params;

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

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(OUT_C));
}

fn put(row: u32, x: u32, column: u32, sum: vec4<f32>) {
    if (x < OUT_W) {
        output[(row * OUT_W + x) * OUT_Q + column] = store(finished(column, sum));
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // Strips begin at SPACING successive pixels, then four times as far to the right.
    let starts = min(SPACING, OUT_W);
    let strips = (OUT_W + 4u * SPACING - 1u) / (4u * SPACING) * starts;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let column = i % OUT_Q;
    let strip = i / OUT_Q % strips;
    let row = i / (OUT_Q * strips);
    if (row >= params.batch * OUT_H) {
        return;
    }
    let x = strip / starts * 4u * SPACING + strip % starts;
    var acc0 = select(vec4(0.0), bias[select(0u, column, BIAS == 1u)], BIAS == 1u);
    var acc1 = acc0;
    var acc2 = acc0;
    var acc3 = acc0;
    // How far the inputs of neighbours in the strip lie apart.
    let apart = i32(SPACING) * STRIDE_W;
    for (var ky = 0u; ky < KERNEL_H; ky++) {
        let sy = i32(row % OUT_H) * STRIDE_H + i32(ky) * DILATION_H - PAD_TOP;
        if ((sy < 0) | (u32(sy) >= IN_H)) {
            continue;
        }
        let line = row / OUT_H * IN_H + u32(sy);
        for (var first = 0u; first < min(PERIOD, KERNEL_W); first++) {
            var sx = i32(x) * STRIDE_W + i32(first) * DILATION_W - PAD_LEFT;
            var a0 = at(line, sx, column);
            var a1 = at(line, sx + apart, column);
            var a2 = at(line, sx + 2 * apart, column);
            for (var kx = first; kx < KERNEL_W; kx += PERIOD) {
                let a3 = at(line, sx + 3 * apart, column);
                let w = weight[(ky * KERNEL_W + kx) * OUT_Q + column];
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
