// conv2d, forward: a register tile whose rows are shared through a subgroup.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx, c of input[n, sy, sx, c] * weight[ky][kx][c][o]
//   sy = (y * STRIDE_H + ky * DILATION_H - PAD_TOP) / UP_H,   sx likewise
//
// A tap whose (sy, sx) is not whole or lies outside the input counts as zero. UP is 1 in a convolution. The
// gradient to the input of a convolution with stride UP is this same sum over the output's gradient, with the
// weight transposed and turned round (common/transpose_weight.wgsl) and STRIDE 1. There, the output's
// pixels are taken in UP_H * UP_W phases: all pixels of a phase use the same taps, and skip the others.
//
// input   [n][IN_H][IN_W][IN_Q] vec4 over channels
// weight  [KERNEL_H][KERNEL_W][rows][OUT_Q] vec4 over output channels; rows = the input channels, padded to
//         whole quads unless there are one to three of them (then four of a row's taps make a quad)
// bias    [OUT_Q] vec4, read where BIAS is 1
// output  [split][n][OUT_H][OUT_W][OUT_Q] vec4; one split is the result itself
//
// z takes a phase of the pixels and a range of the sum, so that a few outputs with a long sum still fill the device,
// and no invocation loops too long; the bias goes with the first range.
//
// A workgroup is one subgroup. It owns 16 pixels and 4 * LANES output channels: each invocation holds 16 rows
// of one channel quad in registers, loads the input quads of two of the pixels, and hands them round with
// subgroupBroadcast. So one load feeds 64 multiply-adds of every lane, without workgroup memory or barriers.
// Lanes past the eighth load what an earlier lane loads too; any subgroup of eight or more is right.

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
override UP_H: u32 = 1;
override UP_W: u32 = 1;
override BIAS: u32 = 0;
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

// section result: how the output lies in memory: like an activation, but plain where it is a part of a split sum.
alias Result = vec4<f32>;
fn store_result(value: vec4<f32>) -> Result {
    return value;
}
// end result

// section activation: what the scheduler fuses into the store. Another function is put here.
fn activate(x: vec4<f32>) -> vec4<f32> {
    return x;
}
// end activation

const ROWS: u32 = 16;

struct Params {
    // The number of samples.
    batch: u32,
    // How many quads of the sum (over taps and channels) one split takes.
    span: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Result>;
@group(0) @binding(4) var<uniform> params: Params;

// An output pixel: the sample, and where its first tap lies in the (dilated, unpadded) input.
struct Pixel {
    sample: u32,
    y: i32,
    x: i32,
    // Its index in the output; OUTSIDE for a row past the last pixel.
    index: u32,
}

const OUTSIDE: u32 = 0xffffffffu;

fn pixel(row: u32, phase: vec2<u32>) -> Pixel {
    let phase_w = (OUT_W + UP_W - 1u) / UP_W;
    let phase_h = (OUT_H + UP_H - 1u) / UP_H;
    let sample = row / (phase_h * phase_w);
    let y = (row / phase_w) % phase_h * UP_H + phase.y;
    let x = row % phase_w * UP_W + phase.x;
    let inside = (sample < params.batch) & (y < OUT_H) & (x < OUT_W);
    let index = select(OUTSIDE, (sample * OUT_H + y) * OUT_W + x, inside);
    return Pixel(sample, i32(y) * STRIDE_H - PAD_TOP, i32(x) * STRIDE_W - PAD_LEFT, index);
}

// The index of the input pixel under a tap, or OUTSIDE.
fn source(p: Pixel, ky: u32, kx: u32) -> u32 {
    let y = p.y + i32(ky) * DILATION_H;
    let x = p.x + i32(kx) * DILATION_W;
    let sy = u32(y / i32(UP_H));
    let sx = u32(x / i32(UP_W));
    let whole = (y % i32(UP_H) == 0) & (x % i32(UP_W) == 0);
    let inside = whole & (p.index != OUTSIDE) & (y >= 0) & (x >= 0) & (sy < IN_H) & (sx < IN_W);
    return select(OUTSIDE, (p.sample * IN_H + sy) * IN_W + sx, inside);
}

// Channels 4q .. 4q+3 under a tap.
fn channels(source: u32, q: u32) -> vec4<f32> {
    let inside = source != OUTSIDE;
    return select(vec4(0.0), load(input[select(0u, source * ((IN_C + 3u) / 4u) + q, inside)]), inside);
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

// The channels under a tap, zero past the last tap, for inputs of fewer than four channels.
fn under(p: Pixel, tap: u32) -> vec4<f32> {
    return channels(select(OUTSIDE, source(p, tap / KERNEL_W, tap % KERNEL_W), tap < KERNEL_H * KERNEL_W), 0u);
}

fn flattened(p: Pixel, q: u32) -> vec4<f32> {
    let k = 4u * q;
    let tap = k / IN_C;
    return packed(k % IN_C, under(p, tap), under(p, tap + 1u), under(p, tap + 2u), under(p, tap + 3u));
}

// acc + the product of one pixel's quad with the four weight rows.
fn madd(acc: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, acc))));
}

var<private> acc: array<vec4<f32>, ROWS>;

// Adds the products of one quad of channels. The rows are written out here and below: WGSL wants the
// broadcasting lane to be a constant, and an array indexed by a loop would leave the registers.
fn step(low: vec4<f32>, high: vec4<f32>, w: u32) {
    let b0 = weight[w];
    let b1 = weight[w + OUT_Q];
    let b2 = weight[w + 2u * OUT_Q];
    let b3 = weight[w + 3u * OUT_Q];
    acc[0] = madd(acc[0], subgroupBroadcast(low, 0u), b0, b1, b2, b3);
    acc[1] = madd(acc[1], subgroupBroadcast(low, 1u), b0, b1, b2, b3);
    acc[2] = madd(acc[2], subgroupBroadcast(low, 2u), b0, b1, b2, b3);
    acc[3] = madd(acc[3], subgroupBroadcast(low, 3u), b0, b1, b2, b3);
    acc[4] = madd(acc[4], subgroupBroadcast(low, 4u), b0, b1, b2, b3);
    acc[5] = madd(acc[5], subgroupBroadcast(low, 5u), b0, b1, b2, b3);
    acc[6] = madd(acc[6], subgroupBroadcast(low, 6u), b0, b1, b2, b3);
    acc[7] = madd(acc[7], subgroupBroadcast(low, 7u), b0, b1, b2, b3);
    acc[8] = madd(acc[8], subgroupBroadcast(high, 0u), b0, b1, b2, b3);
    acc[9] = madd(acc[9], subgroupBroadcast(high, 1u), b0, b1, b2, b3);
    acc[10] = madd(acc[10], subgroupBroadcast(high, 2u), b0, b1, b2, b3);
    acc[11] = madd(acc[11], subgroupBroadcast(high, 3u), b0, b1, b2, b3);
    acc[12] = madd(acc[12], subgroupBroadcast(high, 4u), b0, b1, b2, b3);
    acc[13] = madd(acc[13], subgroupBroadcast(high, 5u), b0, b1, b2, b3);
    acc[14] = madd(acc[14], subgroupBroadcast(high, 6u), b0, b1, b2, b3);
    acc[15] = madd(acc[15], subgroupBroadcast(high, 7u), b0, b1, b2, b3);
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(OUT_C));
}

fn put(split: u32, row: u32, phase: vec2<u32>, column: u32, value: vec4<f32>) {
    let index = pixel(row, phase).index;
    if ((index != OUTSIDE) & (column < OUT_Q)) {
        output[(split * params.batch * OUT_H * OUT_W + index) * OUT_Q + column] = store_result(finished(column, value));
    }
}

// Whether any pixel of the phase meets the input under a tap of this row or column. Both remainders are of what is not
// negative: of a negative number GLSL has none.
fn meets(phase: u32, tap: u32, dilation: i32, pad: i32, up: u32) -> bool {
    return (phase + tap * u32(dilation) + u32(max(-pad, 0))) % up == u32(max(pad, 0)) % up;
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
    let first = linear / tiles * ROWS;
    let split = group.z / (UP_H * UP_W);
    let phase = vec2(group.z % UP_W, group.z / UP_W % UP_H);
    let low = pixel(first + lane % 8u, phase);
    let high = pixel(first + 8u + lane % 8u, phase);
    // Lanes past the last channel work on it too and store nothing.
    let safe_column = min(column, OUT_Q - 1u);

    let biased = (BIAS == 1u) & (split == 0u);
    let start = select(vec4(0.0), bias[select(0u, safe_column, biased)], biased);
    acc = array(
        start, start, start, start, start, start, start, start,
        start, start, start, start, start, start, start, start,
    );
    let begin = split * params.span;
    if (IN_C < 4u) {
        let end = min(begin + params.span, (KERNEL_H * KERNEL_W * IN_C + 3u) / 4u);
        for (var q = begin; q < end; q++) {
            step(flattened(low, q), flattened(high, q), 4u * q * OUT_Q + safe_column);
        }
    } else {
        let quads = (IN_C + 3u) / 4u;
        let end = min(begin + params.span, KERNEL_H * KERNEL_W * quads);
        for (var tap = begin / quads; tap * quads < end; tap++) {
            let ky = tap / KERNEL_W;
            let kx = tap % KERNEL_W;
            if (!meets(phase.y, ky, DILATION_H, PAD_TOP, UP_H) || !meets(phase.x, kx, DILATION_W, PAD_LEFT, UP_W)) {
                continue;
            }
            let low_source = source(low, ky, kx);
            let high_source = source(high, ky, kx);
            let last = min(end - tap * quads, quads);
            for (var q = max(begin, tap * quads) - tap * quads; q < last; q++) {
                let w = 4u * (tap * quads + q) * OUT_Q + safe_column;
                step(channels(low_source, q), channels(high_source, q), w);
            }
        }
    }
    put(split, first, phase, column, acc[0]);
    put(split, first + 1u, phase, column, acc[1]);
    put(split, first + 2u, phase, column, acc[2]);
    put(split, first + 3u, phase, column, acc[3]);
    put(split, first + 4u, phase, column, acc[4]);
    put(split, first + 5u, phase, column, acc[5]);
    put(split, first + 6u, phase, column, acc[6]);
    put(split, first + 7u, phase, column, acc[7]);
    put(split, first + 8u, phase, column, acc[8]);
    put(split, first + 9u, phase, column, acc[9]);
    put(split, first + 10u, phase, column, acc[10]);
    put(split, first + 11u, phase, column, acc[11]);
    put(split, first + 12u, phase, column, acc[12]);
    put(split, first + 13u, phase, column, acc[13]);
    put(split, first + 14u, phase, column, acc[14]);
    put(split, first + 15u, phase, column, acc[15]);
}
