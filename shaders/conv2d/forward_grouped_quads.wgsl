// conv2d with groups, forward, where the channels of a group are whole quads on both sides.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx, c of input[n, sy, sx, g * in_group + c] * weight[ky][kx][c][o]
//   g = o / out_group,   in_group = in_channels / groups,   out_group = out_channels / groups, both multiples of four
//   sy = (y * stride_height + ky * dilation_height - pad_top) / UP_H,   sx likewise
//
// What UP and its phases are is said in forward_subgroup.wgsl.
//
// input   [n][in_height][in_width][in_quads] vec4 over channels
// weight  [kernel_height][kernel_width][in_group][out_quads] vec4 over output channels
// bias    [out_quads] vec4, read where BIAS is 1
// output  [split][n][out_height][out_width][out_quads] vec4; one split is the result itself
//
// z takes a phase of the pixels and a range of the sum; the bias goes with the first range.
//
// An invocation owns four pixels of one output quad: eight loads, of the pixels' quads and of four weight rows, feed 64
// multiply-adds. Neighbours own neighbouring quads, and so mostly read one group's inputs, which are few: a tile
// of workgroup memory would be filled as often as it is read.

override UP_H: u32 = 1;
override UP_W: u32 = 1;
override BIAS: u32 = 0;

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
    // How many quads of the sum (over taps and a group's channels) one split takes.
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
    // The channels of a group on either side.
    in_group: u32,
    out_group: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Result>;
@group(0) @binding(4) var<uniform> params: Params;

// Quads of channels of the output.
fn out_quads() -> u32 {
    return (params.out_channels + 3u) / 4u;
}

// An output pixel: the sample, and where its first tap lies in the (dilated, unpadded) input.
struct Pixel {
    sample: u32,
    y: i32,
    x: i32,
    // Its index in the output; OUTSIDE for a row past the last pixel.
    index: u32,
}

// section window: the taps of the window, one after another. Divisions are left out where they can be counted.
struct Tap {
    index: u32,
    y: u32,
    x: u32,
}
fn tap_at(index: u32) -> Tap {
    return Tap(index, index / params.kernel_width, index % params.kernel_width);
}
fn following(tap: Tap) -> Tap {
    let last = tap.x + 1u == params.kernel_width;
    return Tap(tap.index + 1u, tap.y + u32(last), select(tap.x + 1u, 0u, last));
}
// end window

const OUTSIDE: u32 = 0xffffffffu;

fn pixel(row: u32, phase: vec2<u32>) -> Pixel {
    let phase_w = (params.out_width + UP_W - 1u) / UP_W;
    let phase_h = (params.out_height + UP_H - 1u) / UP_H;
    let sample = row / (phase_h * phase_w);
    let y = (row / phase_w) % phase_h * UP_H + phase.y;
    let x = row % phase_w * UP_W + phase.x;
    let inside = (sample < params.batch) & (y < params.out_height) & (x < params.out_width);
    let index = select(OUTSIDE, (sample * params.out_height + y) * params.out_width + x, inside);
    let top = i32(y) * params.stride_height - params.pad_top;
    let left = i32(x) * params.stride_width - params.pad_left;
    return Pixel(sample, top, left, index);
}

// What a pixel has under a tap: where its quads begin, and whether it is one of the input's.
struct Source {
    start: u32,
    inside: bool,
}

fn source(p: Pixel, tap: Tap) -> Source {
    let y = p.y + i32(tap.y) * params.dilation_height;
    let x = p.x + i32(tap.x) * params.dilation_width;
    let sy = u32(y / i32(UP_H));
    let sx = u32(x / i32(UP_W));
    let whole = (y % i32(UP_H) == 0) & (x % i32(UP_W) == 0);
    let inside = whole & (p.index != OUTSIDE) & (y >= 0) & (x >= 0) & (sy < params.in_height) & (sx < params.in_width);
    let index = (p.sample * params.in_height + sy) * params.in_width + sx;
    return Source(select(0u, index * params.in_quads, inside), inside);
}

// A quad of channels under a tap.
fn channels(source: Source, quad: u32) -> vec4<f32> {
    return select(vec4(0.0), load(input[source.start + quad]), source.inside);
}

// acc + the product of one pixel's quad with the four weight rows.
fn madd(acc: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, acc))));
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(params.out_channels));
}

fn put(split: u32, index: u32, column: u32, sum: vec4<f32>) {
    if (index != OUTSIDE) {
        let pixels = params.batch * params.out_height * params.out_width;
        output[(split * pixels + index) * out_quads() + column] = store_result(finished(column, sum));
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
    let columns = out_quads();
    let column = i % columns;
    let split = group.z / (UP_H * UP_W);
    let phase = vec2(group.z % UP_W, group.z / UP_W % UP_H);
    let p0 = pixel(i / columns * 4u, phase);
    let p1 = pixel(i / columns * 4u + 1u, phase);
    let p2 = pixel(i / columns * 4u + 2u, phase);
    let p3 = pixel(i / columns * 4u + 3u, phase);
    // The quads of a group's inputs, and the first of this group.
    let quads = params.in_group / 4u;
    let first = 4u * column / params.out_group * quads;

    let biased = (BIAS == 1u) & (split == 0u);
    var acc0 = select(vec4(0.0), bias[select(0u, column, biased)], biased);
    var acc1 = acc0;
    var acc2 = acc0;
    var acc3 = acc0;
    let begin = split * params.span;
    let end = min(begin + params.span, params.kernel_height * params.kernel_width * quads);
    for (var tap = tap_at(begin / quads); tap.index * quads < end; tap = following(tap)) {
        let meets_rows = meets(phase.y, tap.y, params.dilation_height, params.pad_top, UP_H);
        if (!meets_rows || !meets(phase.x, tap.x, params.dilation_width, params.pad_left, UP_W)) {
            continue;
        }
        let s0 = source(p0, tap);
        let s1 = source(p1, tap);
        let s2 = source(p2, tap);
        let s3 = source(p3, tap);
        let first_quad = tap.index * quads;
        let last = min(end - first_quad, quads);
        var w = 4u * max(begin, first_quad) * columns + column;
        for (var q = max(begin, first_quad) - first_quad; q < last; q++) {
            let b0 = weight[w];
            let b1 = weight[w + columns];
            let b2 = weight[w + 2u * columns];
            let b3 = weight[w + 3u * columns];
            acc0 = madd(acc0, channels(s0, first + q), b0, b1, b2, b3);
            acc1 = madd(acc1, channels(s1, first + q), b0, b1, b2, b3);
            acc2 = madd(acc2, channels(s2, first + q), b0, b1, b2, b3);
            acc3 = madd(acc3, channels(s3, first + q), b0, b1, b2, b3);
            w += 4u * columns;
        }
    }
    put(split, p0.index, column, acc0);
    put(split, p1.index, column, acc1);
    put(split, p2.index, column, acc2);
    put(split, p3.index, column, acc3);
}
