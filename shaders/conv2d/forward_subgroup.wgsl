// conv2d, forward: a register tile whose rows are shared through a subgroup.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx, c of input[n, sy, sx, c] * weight[ky][kx][c][o]
//   sy = (y * stride_height + ky * dilation_height - pad_top) / UP_H,   sx likewise
//
// A tap whose (sy, sx) is not whole or lies outside the input counts as zero. UP is 1 in a convolution. The
// gradient to the input of a convolution with stride UP is this same sum over the output's gradient, with the
// weight transposed and turned round and STRIDE 1. There, the output's
// pixels are taken in UP_H * UP_W phases: all pixels of a phase use the same taps, and skip the others.
//
// input   [n][height][width][quads] vec4 over channels
// weight  [kernel_height][kernel_width][rows][quads] vec4 over output channels; rows = the input channels, padded to
//         whole quads: one to three of them are for forward_thin_subgroup.wgsl, unless there is only one tap.
//         Where TURNED is 1, the weight of the convolution whose gradient this is, as its own forward pass reads it:
//         [kernel_height][kernel_width][output channels][quads] vec4 over input channels, the taps in the other order. There
//         must be four input channels or more
// bias    [quads] vec4 over output channels, read where BIAS is 1
// output  [split][n][height][width][quads] vec4; one split is the result itself
//
// A workgroup takes a phase of the pixels and a range of the sum, so that a few outputs with a long sum still fill the
// device, and no invocation loops too long; the bias goes with the first range. There are z = phases * splits times as
// many as cover a phase.
//
// A workgroup is one subgroup. It owns ROWS pixels and 4 * LANES output channels: each invocation holds one channel
// quad of all the pixels in registers, loads the input quads of one pixel in eight, and hands them round with
// subgroupBroadcast, without workgroup memory or barriers. Lanes past the eighth load what an earlier lane loads too;
// any subgroup of eight or more is right. On a processor the loads are what costs: each lane's is by itself and checked
// against the bounds. The four quads of the weight are loaded for all rows, so that more rows are better, until the
// loop outgrows the instruction cache.
//
// The window and the sizes of images are in the uniform, so that all layers share a pipeline, which some drivers take long
// to make; the pixels of a tile and the taps are counted on, not divided out.

// Whether the output's images have one pixel.
override FLAT: bool = false;
override UP_H: u32 = 1;
override UP_W: u32 = 1;
override TURNED: u32 = 0;
override BIAS: u32 = 0;
override LANES: u32 = 8;
// 8, 16, 24 or 32.
override ROWS: u32 = 24;

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

struct Params {
    // The number of samples.
    batch: u32,
    // How many quads of the sum (over taps and channels) one split takes.
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

// An output pixel: the sample, and where its first tap lies in the (dilated, unpadded) input.
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
    return Pixel(sample, top, left, index);
}

// Where the quads of the input pixel under a tap begin, or OUTSIDE.
fn source(p: Pixel, tap: Tap) -> u32 {
    let y = p.y + i32(tap.y) * params.dilation_height;
    let x = p.x + i32(tap.x) * params.dilation_width;
    let sy = u32(y / i32(UP_H));
    let sx = u32(x / i32(UP_W));
    let whole = (y % i32(UP_H) == 0) & (x % i32(UP_W) == 0);
    let inside = whole & (p.index != OUTSIDE) & (y >= 0) & (x >= 0)
        & (sy < params.in_height) & (sx < params.in_width);
    let index = (p.sample * params.in_height + sy) * params.in_width + sx;
    return select(OUTSIDE, index * params.in_quads, inside);
}

// Channels 4q .. 4q+3 under a tap.
fn channels(source: u32, q: u32) -> vec4<f32> {
    let inside = source != OUTSIDE;
    return select(vec4(0.0), load(input[select(0u, source + q, inside)]), inside);
}

// Four rows of the weight: those of one quad of the sum.
struct Weights {
    first: vec4<f32>,
    second: vec4<f32>,
    third: vec4<f32>,
    fourth: vec4<f32>,
}

fn weights(column: u32, tap: u32, q: u32) -> Weights {
    let in_q = params.in_quads;
    let out_q = out_quads();
    if (TURNED == 1u) {
        // Each is a quad of input channels for one output channel: the transposed of what is wanted.
        let rows = select(4u * out_q, params.out_channels, params.out_channels < 4u);
        let w = ((params.kernel_height * params.kernel_width - 1u - tap) * rows + 4u * column) * in_q + q;
        // Fewer than four output channels are not padded; what is read past the last is not stored.
        let last = (params.kernel_height * params.kernel_width * rows - 1u) * in_q + q;
        let a = load_plain(weight[w]);
        let b = load_plain(weight[min(w + in_q, last)]);
        let c = load_plain(weight[min(w + 2u * in_q, last)]);
        let d = load_plain(weight[min(w + 3u * in_q, last)]);
        return Weights(
            vec4(a.x, b.x, c.x, d.x),
            vec4(a.y, b.y, c.y, d.y),
            vec4(a.z, b.z, c.z, d.z),
            vec4(a.w, b.w, c.w, d.w),
        );
    }
    let w = 4u * (tap * in_q + q) * out_q + column;
    return Weights(
        load_plain(weight[w]),
        load_plain(weight[w + out_q]),
        load_plain(weight[w + 2u * out_q]),
        load_plain(weight[w + 3u * out_q]),
    );
}

// sum + the product of one pixel's quad with four rows of the weight.
fn madd(sum: vec4<f32>, a: vec4<f32>, b: Weights) -> vec4<f32> {
    return fma(vec4(a.w), b.fourth, fma(vec4(a.z), b.third, fma(vec4(a.y), b.second, fma(vec4(a.x), b.first, sum))));
}

// The sums of eight pixels. An index that a loop counts would move them out of the registers.
alias Block = array<vec4<f32>, 8>;

// Adds the products of the quads that the first eight lanes hold. The rows are written out: WGSL wants the broadcasting
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

// What a lane loads of one quad of the sum: that of one pixel of each block.
struct Quads {
    first: vec4<f32>,
    second: vec4<f32>,
    third: vec4<f32>,
    fourth: vec4<f32>,
}

// Multiplies the blocks that there are. All loads come before: so fewer values have to wait in memory meanwhile.
fn multiply_all(
    block0: ptr<function, Block>,
    block1: ptr<function, Block>,
    block2: ptr<function, Block>,
    block3: ptr<function, Block>,
    a: Quads,
    b: Weights,
) {
    multiply(block0, a.first, b);
    if (ROWS > 8u) {
        multiply(block1, a.second, b);
    }
    if (ROWS > 16u) {
        multiply(block2, a.third, b);
    }
    if (ROWS > 24u) {
        multiply(block3, a.fourth, b);
    }
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
    // Neighbours take the phases in turn: a processor gives each of its cores a range of workgroups, and phases differ
    // in how many taps they have.
    let layer = groups.x * groups.y;
    let flat = group.x + group.y * groups.x + group.z * layer;
    let phase = vec2(flat % UP_W, flat / UP_W % UP_H);
    let tile = flat / (UP_H * UP_W) % layer;
    let split = flat / (UP_H * UP_W) / layer;
    let tiles = (out_quads() + LANES - 1u) / LANES;
    let column = tile % tiles * LANES + lane;
    let first = tile / tiles * ROWS;
    // Each lane loads for one pixel of each block of eight. Blocks past ROWS are not computed.
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
    let quads = params.in_quads;
    let end = min(begin + params.span, params.kernel_height * params.kernel_width * quads);
    for (var tap = tap_at(begin / quads); tap.index * quads < end; tap = following(tap)) {
        let meets_rows = meets(phase.y, tap.y, params.dilation_height, params.pad_top, UP_H);
        if (!meets_rows || !meets(phase.x, tap.x, params.dilation_width, params.pad_left, UP_W)) {
            continue;
        }
        let source0 = source(pixel0, tap);
        let source1 = source(pixel1, tap);
        let source2 = source(pixel2, tap);
        let source3 = source(pixel3, tap);
        let first_quad = tap.index * quads;
        let last = min(end - first_quad, quads);
        for (var q = max(begin, first_quad) - first_quad; q < last; q++) {
            let b = weights(safe_column, tap.index, q);
            let a = Quads(
                channels(source0, q),
                channels(source1, q),
                channels(source2, q),
                channels(source3, q),
            );
            multiply_all(&block0, &block1, &block2, &block3, a, b);
        }
    }
    var at = place(first);
    for (var row = 0u; row < ROWS; row++) {
        var sum = pick(&block0, row % 8u);
        if (ROWS > 8u) {
            sum = select(sum, pick(&block1, row % 8u), row >= 8u);
        }
        if (ROWS > 16u) {
            sum = select(sum, pick(&block2, row % 8u), row >= 16u);
        }
        if (ROWS > 24u) {
            sum = select(sum, pick(&block3, row % 8u), row >= 24u);
        }
        put(split, at, phase, column, sum);
        at = next(at);
    }
}
