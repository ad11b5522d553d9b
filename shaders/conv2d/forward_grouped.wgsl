// conv2d with groups of any size, forward: each output channel sees the input channels of its group.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx, c of input[n, sy, sx, g * IN_G + c] * weight[ky][kx][c][o]
//   g = o / OUT_G,   IN_G = IN_C / GROUPS,   OUT_G = OUT_C / GROUPS
//   sy = (y * STRIDE_H + ky * DILATION_H - PAD_TOP) / UP_H,   sx likewise
//
// What UP and its phases are is said in forward_subgroup.wgsl. Groups of whole quads have
// forward_grouped_quads.wgsl, and groups of one input channel depthwise_forward.wgsl.
//
// input   [n][IN_H][IN_W][IN_Q] vec4 over channels
// weight  [KERNEL_H][KERNEL_W][rows][OUT_Q] vec4 over output channels; rows = IN_G, padded to whole quads
//         unless there are one to three
// bias    [OUT_Q] vec4, read where BIAS is 1
// output  [split][n][OUT_H][OUT_W][OUT_Q] vec4; one split is the result itself
//
// z takes a phase of the pixels and a range of the sum; the bias goes with the first range.
//
// A group's boundaries need not fall on quads, so the input is taken channel by channel. An invocation owns one
// output quad of two pixels, which share the weight; neighbours own neighbouring quads. Groups that are not whole
// quads are small, so that there is little for a tile to share.

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
override GROUPS: u32 = 1;
override UP_H: u32 = 1;
override UP_W: u32 = 1;
override BIAS: u32 = 0;
override IN_Q: u32 = (IN_C + 3u) / 4u;
override OUT_Q: u32 = (OUT_C + 3u) / 4u;
override IN_G: u32 = IN_C / GROUPS;
override OUT_G: u32 = OUT_C / GROUPS;

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

struct Params {
    // The number of samples.
    batch: u32,
    // How many terms of the sum (over taps and a group's channels) one split takes.
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

fn lane(pixel: u32, channel: u32) -> f32 {
    return load(input[pixel * IN_Q + channel / 4u])[channel % 4u];
}

// The channel c of the group of each lane of a quad of output channels; first is the group's first channel. Unless
// groups have one output each, the lanes are of two groups at most. Lanes past the last output meet zeros.
fn gathered(pixel: u32, first: vec4<u32>, c: u32) -> vec4<f32> {
    if (OUT_G == 1u) {
        let at = first + c;
        return vec4(lane(pixel, at.x), lane(pixel, at.y), lane(pixel, at.z), lane(pixel, at.w));
    }
    return select(vec4(lane(pixel, first.x + c)), vec4(lane(pixel, first.w + c)), first != vec4(first.x));
}

fn channels(source: u32, first: vec4<u32>, c: u32) -> vec4<f32> {
    let inside = source != OUTSIDE;
    return select(vec4(0.0), gathered(select(0u, source, inside), first, c), inside);
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(OUT_C));
}

fn put(split: u32, index: u32, column: u32, sum: vec4<f32>) {
    if (index != OUTSIDE) {
        output[(split * params.batch * OUT_H * OUT_W + index) * OUT_Q + column] = store_result(finished(column, sum));
    }
}

// Whether any pixel of the phase meets the input under a tap of this row or column. Both remainders are of what is not
// negative: of a negative number GLSL has none.
fn meets(phase: u32, tap: u32, dilation: i32, pad: i32, up: u32) -> bool {
    return (phase + tap * u32(dilation) + u32(max(-pad, 0))) % up == u32(max(pad, 0)) % up;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + local;
    let column = i % OUT_Q;
    let split = group.z / (UP_H * UP_W);
    let phase = vec2(group.z % UP_W, group.z / UP_W % UP_H);
    let p0 = pixel(i / OUT_Q * 2u, phase);
    let p1 = pixel(i / OUT_Q * 2u + 1u, phase);
    let rows = select((IN_G + 3u) / 4u * 4u, IN_G, IN_G < 4u);
    // The first channel of the group of each lane.
    let first = min((vec4(4u * column) + vec4(0u, 1u, 2u, 3u)) / OUT_G, vec4(GROUPS - 1u)) * IN_G;

    let biased = (BIAS == 1u) & (split == 0u);
    var acc0 = select(vec4(0.0), bias[select(0u, column, biased)], biased);
    var acc1 = acc0;
    let begin = split * params.span;
    let end = min(begin + params.span, KERNEL_H * KERNEL_W * IN_G);
    for (var tap = begin / IN_G; tap * IN_G < end; tap++) {
        let ky = tap / KERNEL_W;
        let kx = tap % KERNEL_W;
        if (!meets(phase.y, ky, DILATION_H, PAD_TOP, UP_H) || !meets(phase.x, kx, DILATION_W, PAD_LEFT, UP_W)) {
            continue;
        }
        let s0 = source(p0, ky, kx);
        let s1 = source(p1, ky, kx);
        let last = min(end - tap * IN_G, IN_G);
        for (var c = max(begin, tap * IN_G) - tap * IN_G; c < last; c++) {
            let w = weight[(tap * rows + c) * OUT_Q + column];
            acc0 = fma(channels(s0, first, c), w, acc0);
            acc1 = fma(channels(s1, first, c), w, acc1);
        }
    }
    put(split, p0.index, column, acc0);
    put(split, p1.index, column, acc1);
}
