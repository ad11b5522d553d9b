// conv2d, forward, one to three input channels: a register tile whose rows are shared through a subgroup.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx, c of input[n, sy, sx, c] * weight[ky][kx][c][o]
//   sy = (y * stride_height + ky * dilation_height - pad_top) / UP_H,   sx likewise
//
// What UP and its phases are, what z takes, and the layout of the bindings, is said in forward_subgroup.wgsl: the two
// compute the same. There a step takes four channels of a tap; here it takes what makes about as many products: the
// one channel of four taps, the two of two taps, or the three of one. Nothing is multiplied with the lanes of padding.
//
// A workgroup is one subgroup. It owns 32 pixels and 4 * LANES output channels: each invocation holds one channel quad of
// all the pixels in registers, loads a step's inputs of four pixels, and hands them round with subgroupBroadcast. A
// processor loads lane by lane, so that a load of one float costs it about as much as five multiply-adds of all lanes:
// with 32 rows a step has one such load for 16 multiply-adds. More rows would not fit in its instruction cache.
// Lanes past the eighth load what an earlier lane loads too; any subgroup of eight or more is right.
//
// As in forward_subgroup.wgsl, the window and the sizes of images are in the uniform.

// The input channels: 1, 2 or 3.
override THIN: u32 = 3;
// Whether the output's images have one pixel.
override FLAT: bool = false;
override UP_H: u32 = 1;
override UP_W: u32 = 1;
override BIAS: u32 = 0;
override LANES: u32 = 8;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

// section plain: how four numbers lie in memory that are read in single precision however activations are stored.
alias Plain = vec4<f32>;
fn load_plain(plain: Plain) -> vec4<f32> {
    return plain;
}
// end plain

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

const ROWS: u32 = 32;

struct Params {
    // The number of samples.
    batch: u32,
    // How many taps one split takes, whole steps.
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
@group(0) @binding(1) var<storage, read> weight: array<Plain>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Result>;
@group(0) @binding(4) var<uniform> params: Params;

// An output pixel: the first row of its sample's input, and where its first tap lies in the (dilated, unpadded) input.
struct Pixel {
    sample: u32,
    y: i32,
    x: i32,
    // Its index in the output; OUTSIDE for a row past the last pixel.
    index: u32,
}

const OUTSIDE: u32 = 0xffffffffu;

// Quads of channels of the output.
fn out_quads() -> u32 {
    return (params.out_channels + 3u) / 4u;
}

// How many pixels of a phase of the output there are along x and y.
fn grid() -> vec2<u32> {
    return vec2((params.out_width + UP_W - 1u) / UP_W, (params.out_height + UP_H - 1u) / UP_H);
}

// section places: the pixels of the grid, one after another. Divisions are left out where they can be counted.
struct Place {
    column: u32,
    line: u32,
    sample: u32,
}
fn place(index: u32) -> Place {
    if (FLAT) {
        return Place(0u, 0u, index);
    }
    let size = grid();
    let line = index / size.x;
    let sample = line / size.y;
    return Place(index - line * size.x, line - sample * size.y, sample);
}
// The pixel that is as far after another as `by` is after the first.
fn after(at: Place, by: Place) -> Place {
    if (FLAT) {
        return Place(0u, 0u, at.sample + by.sample);
    }
    let size = grid();
    let column = at.column + by.column;
    let new_line = column >= size.x;
    let line = at.line + by.line + u32(new_line);
    let new_sample = line >= size.y;
    return Place(
        select(column, column - size.x, new_line),
        select(line, line - size.y, new_sample),
        at.sample + by.sample + u32(new_sample),
    );
}
fn next(at: Place) -> Place {
    return after(at, Place(u32(!FLAT), 0u, u32(FLAT)));
}
// end places

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

fn pixel(at: Place, phase: vec2<u32>) -> Pixel {
    let sample = at.sample;
    let y = at.line * UP_H + phase.y;
    let x = at.column * UP_W + phase.x;
    let inside = (sample < params.batch) & (y < params.out_height) & (x < params.out_width);
    let index = select(OUTSIDE, (sample * params.out_height + y) * params.out_width + x, inside);
    let top = i32(y) * params.stride_height - params.pad_top;
    let left = i32(x) * params.stride_width - params.pad_left;
    return Pixel(sample * params.in_height, top, left, index);
}

// The channels under a tap, zero outside the input, past the last tap and past the last pixel.
fn under(p: Pixel, tap: Tap) -> vec4<f32> {
    let y = p.y + i32(tap.y) * params.dilation_height;
    let x = p.x + i32(tap.x) * params.dilation_width;
    let sy = u32(y / i32(UP_H));
    let sx = u32(x / i32(UP_W));
    let whole = (y % i32(UP_H) == 0) & (x % i32(UP_W) == 0);
    let inside = whole & (p.index != OUTSIDE) & (tap.y < params.kernel_height) & (y >= 0) & (x >= 0)
        & (sy < params.in_height) & (sx < params.in_width);
    return select(vec4(0.0), load(input[select(0u, (p.sample + sy) * params.in_width + sx, inside)]), inside);
}

// The taps of a step: one of three channels, two of two, four of one.
struct Taps {
    first: Tap,
    second: Tap,
    third: Tap,
    fourth: Tap,
}

fn taps_from(first: Tap) -> Taps {
    let second = following(first);
    let third = following(second);
    return Taps(first, second, third, following(third));
}

// The first tap of the step after.
fn following_step(taps: Taps) -> Tap {
    if (THIN == 1u) {
        return following(taps.fourth);
    }
    if (THIN == 2u) {
        return taps.third;
    }
    return taps.second;
}

// A step's inputs of a pixel.
fn inputs(p: Pixel, taps: Taps) -> vec4<f32> {
    if (THIN == 1u) {
        return vec4(under(p, taps.first).x, under(p, taps.second).x, under(p, taps.third).x, under(p, taps.fourth).x);
    }
    if (THIN == 2u) {
        return vec4(under(p, taps.first).xy, under(p, taps.second).xy);
    }
    return under(p, taps.first);
}

// A step's rows of the weight; three of them where there are three channels.
struct Weights {
    first: vec4<f32>,
    second: vec4<f32>,
    third: vec4<f32>,
    fourth: vec4<f32>,
}

fn weights(column: u32, tap: u32) -> Weights {
    let out_q = out_quads();
    let w = tap * THIN * out_q + column;
    let fourth = select(w + 3u * out_q, w, THIN == 3u);
    return Weights(
        load_plain(weight[w]),
        load_plain(weight[w + out_q]),
        load_plain(weight[w + 2u * out_q]),
        load_plain(weight[fourth]),
    );
}

// sum + the products of one pixel's inputs with the rows of the weight.
fn madd(sum: vec4<f32>, a: vec4<f32>, b: Weights) -> vec4<f32> {
    let three = fma(vec4(a.z), b.third, fma(vec4(a.y), b.second, fma(vec4(a.x), b.first, sum)));
    if (THIN == 3u) {
        return three;
    }
    return fma(vec4(a.w), b.fourth, three);
}

// The sums of eight pixels. An index that a loop counts would move them out of the registers.
alias Block = array<vec4<f32>, 8>;

// Adds the products of the inputs that the first eight lanes hold. The rows are written out: WGSL wants the broadcasting
// lane to be a constant.
fn multiply(block: ptr<function, Block>, a: vec4<f32>, b: Weights) {
    (*block)[0] = madd((*block)[0], subgroupBroadcast(a, 0u), b);
    (*block)[1] = madd((*block)[1], subgroupBroadcast(a, 1u), b);
    (*block)[2] = madd((*block)[2], subgroupBroadcast(a, 2u), b);
    (*block)[3] = madd((*block)[3], subgroupBroadcast(a, 3u), b);
    (*block)[4] = madd((*block)[4], subgroupBroadcast(a, 4u), b);
    (*block)[5] = madd((*block)[5], subgroupBroadcast(a, 5u), b);
    (*block)[6] = madd((*block)[6], subgroupBroadcast(a, 6u), b);
    (*block)[7] = madd((*block)[7], subgroupBroadcast(a, 7u), b);
}

// One of the sums, for an index that a loop counts.
fn pick(block: ptr<function, Block>, row: u32) -> vec4<f32> {
    var sum = (*block)[0];
    sum = select(sum, (*block)[1], row == 1u);
    sum = select(sum, (*block)[2], row == 2u);
    sum = select(sum, (*block)[3], row == 3u);
    sum = select(sum, (*block)[4], row == 4u);
    sum = select(sum, (*block)[5], row == 5u);
    sum = select(sum, (*block)[6], row == 6u);
    return select(sum, (*block)[7], row == 7u);
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(params.out_channels));
}

fn put(split: u32, at: Place, phase: vec2<u32>, column: u32, value: vec4<f32>) {
    let index = pixel(at, phase).index;
    if ((index != OUTSIDE) & (column < out_quads())) {
        let pixels = params.batch * params.out_height * params.out_width;
        output[(split * pixels + index) * out_quads() + column] = store_result(finished(column, value));
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let tiles = (out_quads() + LANES - 1u) / LANES;
    let linear = group.x + group.y * groups.x;
    let column = linear % tiles * LANES + lane;
    let first = linear / tiles * ROWS;
    let split = group.z / (UP_H * UP_W);
    let phase = vec2(group.z % UP_W, group.z / UP_W % UP_H);
    // Each lane loads for one pixel of each block of eight.
    let eight = place(8u);
    let own0 = place(first + lane % 8u);
    let own1 = after(own0, eight);
    let own2 = after(own1, eight);
    let pixel0 = pixel(own0, phase);
    let pixel1 = pixel(own1, phase);
    let pixel2 = pixel(own2, phase);
    let pixel3 = pixel(after(own2, eight), phase);
    // Lanes past the last channel work on it too and store nothing.
    let safe_column = min(column, out_quads() - 1u);

    let biased = (BIAS == 1u) & (split == 0u);
    let start = select(vec4(0.0), bias[select(0u, safe_column, biased)], biased);
    var block0 = Block(start, start, start, start, start, start, start, start);
    var block1 = block0;
    var block2 = block0;
    var block3 = block0;
    let begin = split * params.span;
    let end = min(begin + params.span, params.kernel_height * params.kernel_width);
    for (var tap = tap_at(begin); tap.index < end;) {
        // All loads come before: so fewer values have to wait in memory meanwhile.
        let taps = taps_from(tap);
        let b = weights(safe_column, tap.index);
        let a0 = inputs(pixel0, taps);
        let a1 = inputs(pixel1, taps);
        let a2 = inputs(pixel2, taps);
        let a3 = inputs(pixel3, taps);
        tap = following_step(taps);
        multiply(&block0, a0, b);
        multiply(&block1, a1, b);
        multiply(&block2, a2, b);
        multiply(&block3, a3, b);
    }
    var at0 = place(first);
    var at1 = after(at0, eight);
    var at2 = after(at1, eight);
    var at3 = after(at2, eight);
    for (var row = 0u; row < 8u; row++) {
        put(split, at0, phase, column, pick(&block0, row));
        put(split, at1, phase, column, pick(&block1, row));
        put(split, at2, phase, column, pick(&block2, row));
        put(split, at3, phase, column, pick(&block3, row));
        at0 = next(at0);
        at1 = next(at1);
        at2 = next(at2);
        at3 = next(at3);
    }
}
