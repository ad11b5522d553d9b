// conv2d, forward: implicit matrix product with tiles in workgroup memory.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx, c of input[n, sy, sx, c] * weight[ky][kx][c][o]
//   sy = (y * STRIDE_H + ky * DILATION_H - PAD_TOP) / UP_H,   sx likewise
//
// What UP and its phases are, and the layout of the bindings, is said in forward_subgroup.wgsl: the two compute the
// same. This one needs no subgroups and suits a GPU whose workgroup memory is fast. With a kernel of 1 x 1 on an
// image of 1 x 1 (FLAT) it is the plain matrix product of linear: all that a window takes folds away. There may be POINTS
// such products, each with its own weight, and of each sample one image for each of them: src/ops/convolution/winograd.
//
// A workgroup of 8 x 8 x SLICES invocations owns 32 * TALL * SLICES pixels and 32 * WIDE output channels. An
// invocation owns 4 * TALL pixels by 4 * WIDE channels of them, in registers: TALL quads of pixels and WIDE quads of
// channels, eight quads apart. For each term of the sum it reads TALL + WIDE vec4 from workgroup memory for 16 * TALL
// * WIDE multiply-adds: 4 for 64 with the largest tile, which is what workgroup memory keeps up with on the GPUs
// known.
//
// A step takes STEP quads of the sum, so many that each invocation brings in just one block of 4 pixels by 4 channels
// and BROUGHT quads of the weight. They are on their way in registers while the step before is multiplied, so that
// one buffer in workgroup memory is enough (4 KiB a slice, and the weight: 6 to 12 KiB), and more workgroups fit in.
// A block is turned round as it is put down: then a vec4 holds one term of four pixels, and only one term's operands
// need be in registers. Where a quad lies is exchanged (^) with its place in the sum, so that the eight neighbours
// that put down at once meet all banks; those that read at once do by themselves.
//
// A pixel past the last, or a channel, is computed from what lies at hand and not stored. What lies outside the image
// is replaced by zero; where there is no such thing (PADDED) nor an end within a step (RAGGED), no test is left in
// the loop.
//
// The window is in overrides. The sizes of images are in the uniform, so that layers of several sizes share a pipeline,
// which some drivers take long to make. There is no division by them in the loop: what comes next is counted on. Where a step
// begins is the same for all invocations, which is what lets a barrier be in the loop, and a GPU count with scalars.
//
// Conditions are joined with &, not &&: none of their parts may fail or costs much, while every && is a branch, of
// which inlining makes dozens. SwiftShader took minutes to compile them.

// The input channels where there are fewer than four, otherwise 0.
override THIN: u32 = 0;
// Whether the output's images have one pixel.
override FLAT: bool = false;
// Whether a step may go past the end of the sum, and whether all of it lies under one tap.
override RAGGED: bool = true;
override ONE_TAP: bool = false;
// Whether a tap may lie outside the image, or between the pixels of one that is spread.
override PADDED: bool = true;
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
// How many images a sample has, each with a weight of its own.
override POINTS: u32 = 1;
// The tile.
override TALL: u32 = 2;
override WIDE: u32 = 2;
override SLICES: u32 = 1;
// Whether a step is written out: a loop keeps GPUs from reading ahead of it, but a processor takes long to compile so
// much.
override UNROLLED: bool = true;

// Quads of the sum in a step, and quads of the weight that an invocation brings in for it.
override STEP: u32 = 8u / TALL;
override BROUGHT: u32 = STEP * WIDE / (2u * SLICES);

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
    // How many quads of the sum (over taps and channels) one split takes.
    span: u32,
    in_height: u32,
    in_width: u32,
    // Quads of channels of the input.
    in_quads: u32,
    out_height: u32,
    out_width: u32,
    out_channels: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Result>;
@group(0) @binding(4) var<uniform> params: Params;

// An output pixel, as far as its sum goes.
struct Pixel {
    // The index of the first quad of the input pixel under the first tap; it may lie outside.
    origin: u32,
    // A bit for each row of taps, then one for each column: whether it meets the input.
    meets: u32,
}

// Where a tap's quads lie from a pixel's origin, and its bits in a pixel's `meets`.
struct Tap {
    offset: u32,
    bits: u32,
}

// What an invocation brings in of every step: a quad of the sum for a quad of pixels, and a column of the weight.
struct Share {
    quad: u32,
    block: u32,
    p0: Pixel,
    p1: Pixel,
    p2: Pixel,
    p3: Pixel,
    phase: vec2<u32>,
    // Its quad of the first row of the sum, and of the last, in the product's weight.
    weight: u32,
    last: u32,
    // How far its quad of the input is after the first of a step.
    own: Step,
}

// A quad of the sum, the first of a step for instance: the tap and the quad of channels that it is.
struct Step {
    k: u32,
    tap: u32,
    quad: u32,
}

// A step's values on their way to workgroup memory: four quads of channels, whether each is inside, and the weight's.
struct Load {
    a0: vec4<f32>,
    a1: vec4<f32>,
    a2: vec4<f32>,
    a3: vec4<f32>,
    inside: vec4<bool>,
    b0: vec4<f32>,
    b1: vec4<f32>,
    b2: vec4<f32>,
    b3: vec4<f32>,
}

// rows[slice][quad of the sum, quad of pixels][term][place], columns[quad of the sum, quad of channels][term][place].
// With the terms apart from what a loop counts, the places of all are known from one address.
var<workgroup> rows: array<array<array<array<vec4<f32>, 8>, 4>, 8>, SLICES>;
var<workgroup> columns: array<array<array<vec4<f32>, 8>, 4>, STEP * WIDE>;

var<private> acc: array<vec4<f32>, 16>;

// Quads of channels of the output.
fn out_quads() -> u32 {
    return (params.out_channels + 3u) / 4u;
}

// Quads of the sum.
fn depth() -> u32 {
    return (KERNEL_H * KERNEL_W * select(4u * params.in_quads, THIN, THIN > 0u) + 3u) / 4u;
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

// Where the first tap of an output line lies: how many input lines from the first, times `up`, and what is left over,
// which is the same for all lines of a phase. `up` times the padding keeps it from being negative.
fn first(line: u32, stride: i32, pad: i32, up: u32) -> u32 {
    return u32(i32(line) * stride - pad + i32(up) * max(pad, 0));
}

// A bit for each tap along an axis that meets the input for an output line.
fn meeting(line: u32, stride: i32, dilation: i32, pad: i32, up: u32, taps: u32, size: u32) -> u32 {
    var bits = 0u;
    for (var tap = 0u; tap < taps; tap++) {
        let at = i32(line) * stride + i32(tap) * dilation - pad;
        let inside = (at >= 0) & (u32(at) / up < size) & (u32(max(at, 0)) % up == 0u);
        bits |= u32(inside) << tap;
    }
    return bits;
}

// Past the last pixel, that of the last sample.
fn pixel(point: u32, at: Place, phase: vec2<u32>) -> Pixel {
    let line = at.line * UP_H + phase.y;
    let column = at.column * UP_W + phase.x;
    let y = first(line, STRIDE_H, PAD_TOP, UP_H) / UP_H - u32(max(PAD_TOP, 0));
    let x = first(column, STRIDE_W, PAD_LEFT, UP_W) / UP_W - u32(max(PAD_LEFT, 0));
    let image = min(at.sample, params.batch - 1u) * POINTS + point;
    let origin = ((image * params.in_height + y) * params.in_width + x) * params.in_quads;
    if (!PADDED) {
        return Pixel(origin, 0u);
    }
    let lines = meeting(line, STRIDE_H, DILATION_H, PAD_TOP, UP_H, KERNEL_H, params.in_height);
    let columns = meeting(column, STRIDE_W, DILATION_W, PAD_LEFT, UP_W, KERNEL_W, params.in_width);
    return Pixel(origin, lines | (columns << KERNEL_H));
}

fn tap(index: u32, phase: vec2<u32>) -> Tap {
    if (KERNEL_H * KERNEL_W == 1u) {
        return Tap(0u, 3u);
    }
    let ky = index / KERNEL_W;
    let kx = index % KERNEL_W;
    let y = (first(phase.y, STRIDE_H, PAD_TOP, UP_H) % UP_H + ky * u32(DILATION_H)) / UP_H;
    let x = (first(phase.x, STRIDE_W, PAD_LEFT, UP_W) % UP_W + kx * u32(DILATION_W)) / UP_W;
    return Tap((y * params.in_width + x) * params.in_quads, (1u << ky) | (1u << (KERNEL_H + kx)));
}

fn meets(p: Pixel, t: Tap) -> bool {
    return !PADDED | ((p.meets & t.bits) == t.bits);
}

// Channels 4q .. 4q+3 under a tap, or anything.
fn channels(p: Pixel, t: Tap, q: u32, inside: bool) -> vec4<f32> {
    return load(input[select(0u, p.origin + t.offset + q, inside)]);
}

// The channels under a tap, zero outside and past the last tap, for inputs of fewer than four channels.
fn under(p: Pixel, index: u32, phase: vec2<u32>) -> vec4<f32> {
    let t = tap(min(index, KERNEL_H * KERNEL_W - 1u), phase);
    let inside = meets(p, t) & (index < KERNEL_H * KERNEL_W);
    return select(vec4(0.0), channels(p, t, 0u, inside), inside);
}

// A quad of the flattened (tap, channel) sum for inputs of fewer than four channels.
fn flattened(p: Pixel, q: u32, phase: vec2<u32>) -> vec4<f32> {
    let index = 4u * q / max(THIN, 1u);
    let skip = 4u * q % max(THIN, 1u);
    let v0 = under(p, index, phase);
    let v1 = under(p, index + 1u, phase);
    if (THIN == 1u) {
        return vec4(v0.x, v1.x, under(p, index + 2u, phase).x, under(p, index + 3u, phase).x);
    }
    if (THIN == 2u) {
        return vec4(v0.xy, v1.xy);
    }
    let late = select(vec4(v0.yz, v1.xy), vec4(v0.z, v1.xyz), skip == 2u);
    return select(late, vec4(v0.xyz, v1.x), skip == 0u);
}

// A quad of the weight, r rows after the invocation's first; past the last, that.
fn weights(s: Share, r: u32) -> vec4<f32> {
    let at = s.weight + r * out_quads();
    return weight[select(at, min(at, s.last), RAGGED)];
}

// Sets out for the values of a step. Inputs of fewer than four channels are left for
// later: they take so many instructions that one place for them is enough.
fn bring(s: Share, at: Step) -> Load {
    var to: Load;
    if (THIN == 0u) {
        var own = Step(at.k, at.tap, at.quad + s.quad);
        if (!ONE_TAP) {
            own = step_after(at, s.own);
        }
        let t = tap(own.tap, s.phase);
        let c = own.quad;
        let ends = RAGGED & (at.k + s.quad >= depth());
        to.inside = vec4(meets(s.p0, t), meets(s.p1, t), meets(s.p2, t), meets(s.p3, t)) & vec4(!ends);
        to.a0 = channels(s.p0, t, c, to.inside.x);
        to.a1 = channels(s.p1, t, c, to.inside.y);
        to.a2 = channels(s.p2, t, c, to.inside.z);
        to.a3 = channels(s.p3, t, c, to.inside.w);
    }
    let r = 4u * at.k;
    to.b0 = weights(s, r);
    if (BROUGHT > 1u) {
        to.b1 = weights(s, r + 8u * SLICES / WIDE);
    }
    if (BROUGHT > 2u) {
        to.b2 = weights(s, r + 16u * SLICES / WIDE);
        to.b3 = weights(s, r + 24u * SLICES / WIDE);
    }
    return to;
}

// Puts the values of the step from quad k on into workgroup memory.
fn put_down(s: Share, k: u32, step: Load, local: vec3<u32>) {
    let zero = vec4(0.0);
    var a0 = select(zero, step.a0, step.inside.x);
    var a1 = select(zero, step.a1, step.inside.y);
    var a2 = select(zero, step.a2, step.inside.z);
    var a3 = select(zero, step.a3, step.inside.w);
    if (THIN > 0u) {
        let q = k + s.quad;
        a0 = flattened(s.p0, q, s.phase);
        a1 = flattened(s.p1, q, s.phase);
        a2 = flattened(s.p2, q, s.phase);
        a3 = flattened(s.p3, q, s.phase);
    }
    let a = transpose(mat4x4(a0, a1, a2, a3));
    let slice = s.block / (8u * TALL);
    let at = s.quad * TALL + s.block / 8u % TALL;
    let turned = s.block % 8u ^ (s.quad * TALL);
    rows[slice][at][0][turned] = a[0];
    rows[slice][at][1][turned] = a[1];
    rows[slice][at][2][turned] = a[2];
    rows[slice][at][3][turned] = a[3];
    // A slice of invocations brings rows of two quads of columns, or two quads of rows of one.
    let first = 2u * local.z + select(local.y / 4u, local.y % 2u, WIDE == 2u);
    let term = select(local.y % 4u, local.y / 2u, WIDE == 2u);
    columns[first][term][local.x] = step.b0;
    if (BROUGHT > 1u) {
        columns[2u * SLICES + first][term][local.x] = step.b1;
    }
    if (BROUGHT > 2u) {
        columns[4u * SLICES + first][term][local.x] = step.b2;
        columns[6u * SLICES + first][term][local.x] = step.b3;
    }
}

// Adds the products of one term of the sum: the pixels of the first quad by the channels of one or two. The
// accumulators are written out here and below: an array indexed by a loop would leave the registers.
fn add_first(a: vec4<f32>, low: vec4<f32>, high: vec4<f32>) {
    acc[0] = fma(vec4(a.x), low, acc[0]);
    acc[2] = fma(vec4(a.y), low, acc[2]);
    acc[4] = fma(vec4(a.z), low, acc[4]);
    acc[6] = fma(vec4(a.w), low, acc[6]);
    if (WIDE > 1u) {
        acc[1] = fma(vec4(a.x), high, acc[1]);
        acc[3] = fma(vec4(a.y), high, acc[3]);
        acc[5] = fma(vec4(a.z), high, acc[5]);
        acc[7] = fma(vec4(a.w), high, acc[7]);
    }
}

// The same for the pixels of the second quad.
fn add_second(a: vec4<f32>, low: vec4<f32>, high: vec4<f32>) {
    acc[8] = fma(vec4(a.x), low, acc[8]);
    acc[10] = fma(vec4(a.y), low, acc[10]);
    acc[12] = fma(vec4(a.z), low, acc[12]);
    acc[14] = fma(vec4(a.w), low, acc[14]);
    if (WIDE > 1u) {
        acc[9] = fma(vec4(a.x), high, acc[9]);
        acc[11] = fma(vec4(a.y), high, acc[11]);
        acc[13] = fma(vec4(a.z), high, acc[13]);
        acc[15] = fma(vec4(a.w), high, acc[15]);
    }
}

// Adds the products of term j of quad q.
fn term(q: u32, j: u32, local: vec3<u32>) {
    let low = columns[q * WIDE][j][local.x];
    var high = low;
    if (WIDE > 1u) {
        high = columns[q * WIDE + 1u][j][local.x];
    }
    let turned = local.y ^ (q * TALL);
    add_first(rows[local.z][q * TALL][j][turned], low, high);
    if (TALL > 1u) {
        add_second(rows[local.z][q * TALL + 1u][j][turned], low, high);
    }
}

// Adds the products of the four terms of a quad.
fn multiply(q: u32, local: vec3<u32>) {
    term(q, 0u, local);
    term(q, 1u, local);
    term(q, 2u, local);
    term(q, 3u, local);
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(params.out_channels));
}

// Stores one pixel's channels in a sample of the output: of a split, and in it one of a point.
fn put(split: u32, point: u32, at: Place, phase: vec2<u32>, column: u32, low: vec4<f32>, high: vec4<f32>) {
    let y = at.line * UP_H + phase.y;
    let x = at.column * UP_W + phase.x;
    if ((at.sample >= params.batch) | (y >= params.out_height) | (x >= params.out_width)) {
        return;
    }
    let image = (split * params.batch + at.sample) * POINTS + point;
    let index = ((image * params.out_height + y) * params.out_width + x) * out_quads() + column;
    if (column < out_quads()) {
        output[index] = store_result(finished(column, low));
    }
    if ((WIDE > 1u) & (column + 8u < out_quads())) {
        output[index + 8u] = store_result(finished(column + 8u, high));
    }
}

// Whether a row of taps, or a column, meets no input of a phase.
fn missed(phase: u32, tap: u32, stride: i32, dilation: i32, pad: i32, up: u32) -> bool {
    return (first(phase, stride, pad, up) % up + tap * u32(dilation)) % up != 0u;
}

// Quad k of the sum.
fn step_from(k: u32) -> Step {
    return Step(k, k / params.in_quads, k % params.in_quads);
}

// The quad that is as far after another as `by` is after the first.
fn step_after(at: Step, by: Step) -> Step {
    let quad = at.quad + by.quad;
    let over = quad >= params.in_quads;
    return Step(at.k + by.k, at.tap + by.tap + u32(over), select(quad, quad - params.in_quads, over));
}

// The first step from the given one on that is not all zeros.
fn skip(at: Step, end: u32, phase: vec2<u32>) -> Step {
    if (((UP_H == 1u) & (UP_W == 1u)) | !ONE_TAP) {
        return at;
    }
    var next = at;
    while (next.k < end) {
        let ky = next.tap / KERNEL_W;
        let kx = next.tap % KERNEL_W;
        if (!(missed(phase.y, ky, STRIDE_H, DILATION_H, PAD_TOP, UP_H)
            | missed(phase.x, kx, STRIDE_W, DILATION_W, PAD_LEFT, UP_W))) {
            break;
        }
        next = Step(next.k + params.in_quads - next.quad, next.tap + 1u, 0u);
    }
    return next;
}

@compute @workgroup_size(8, 8, SLICES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let quads = out_quads();
    let tiles = (quads + 8u * WIDE - 1u) / (8u * WIDE);
    let linear = group.x + group.y * groups.x;
    let column = linear % tiles * (8u * WIDE) + local.x;
    let row = linear / tiles * (32u * TALL * SLICES);
    let split = group.z / (UP_H * UP_W * POINTS);
    let point = group.z / (UP_H * UP_W) % POINTS;
    let phase = vec2(group.z % UP_W, group.z / UP_W % UP_H);

    let at0 = place(row + 4u * (index / STEP));
    let at1 = next(at0);
    let at2 = next(at1);
    let brought = min(linear % tiles * (8u * WIDE) + index % (8u * WIDE), quads - 1u);
    let share = Share(
        index % STEP,
        index / STEP,
        pixel(point, at0, phase),
        pixel(point, at1, phase),
        pixel(point, at2, phase),
        pixel(point, next(at2), phase),
        phase,
        (point * 4u * depth() + index / (8u * WIDE)) * quads + brought,
        ((point + 1u) * 4u * depth() - 1u) * quads + brought,
        step_from(index % STEP),
    );

    let biased = (BIAS == 1u) & (split == 0u);
    let low = select(vec4(0.0), bias[select(0u, min(column, quads - 1u), biased)], biased);
    let high = select(vec4(0.0), bias[select(0u, min(column + 8u, quads - 1u), biased)], biased);
    acc = array(low, high, low, high, low, high, low, high, low, high, low, high, low, high, low, high);

    let end = min((split + 1u) * params.span, depth());
    let begin = step_from(split * params.span);
    let long = step_from(STEP);
    var at = skip(begin, end, phase);
    var ahead = at;
    if (at.k >= end) {
        ahead = begin;
    }
    var step = bring(share, ahead);
    while (at.k < end) {
        put_down(share, at.k, step, local);
        workgroupBarrier();
        // The last step brings itself in again: that is cheaper than a branch.
        let coming = skip(step_after(at, long), end, phase);
        ahead = coming;
        if (coming.k >= end) {
            ahead = at;
        }
        step = bring(share, ahead);
        if (UNROLLED) {
            multiply(0u, local);
            multiply(1u, local);
            multiply(2u, local);
            multiply(3u, local);
            if (STEP > 4u) {
                multiply(4u, local);
                multiply(5u, local);
                multiply(6u, local);
                multiply(7u, local);
            }
        } else {
            for (var q = 0u; q < STEP; q++) {
                multiply(q, local);
            }
        }
        workgroupBarrier();
        at = coming;
    }
    let own = row + 4u * (8u * TALL * local.z + local.y);
    var to = place(own);
    put(split, point, to, phase, column, acc[0], acc[1]);
    to = next(to);
    put(split, point, to, phase, column, acc[2], acc[3]);
    to = next(to);
    put(split, point, to, phase, column, acc[4], acc[5]);
    to = next(to);
    put(split, point, to, phase, column, acc[6], acc[7]);
    if (TALL > 1u) {
        to = place(own + 32u);
        put(split, point, to, phase, column, acc[8], acc[9]);
        to = next(to);
        put(split, point, to, phase, column, acc[10], acc[11]);
        to = next(to);
        put(split, point, to, phase, column, acc[12], acc[13]);
        to = next(to);
        put(split, point, to, phase, column, acc[14], acc[15]);
    }
}
