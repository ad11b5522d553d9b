// conv2d, forward: implicit matrix product on the device's matrix units.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx, c of input[n, sy, sx, c] * weight[ky][kx][c][o]
//   sy = (y * STRIDE_H + ky * DILATION_H - PAD_TOP) / UP_H,   sx likewise
//
// What UP and its phases are, and the layout of the bindings, is said in forward_subgroup.wgsl: the two compute the
// same, but for inputs of four channels or more, and from factors that are rounded to f16 on their way. Activations are
// stored so in any case; the weight is what loses. Sums are f32: the device multiplies f16 matrices and adds in f32.
//
// A workgroup is four subgroups of LANES invocations. It owns 4 * SIZE pixels and 4 * SIZE output channels, of which
// each subgroup has a quarter: two by two matrices, so that each matrix read from workgroup memory is used twice. More
// would want more registers than there are: a sum of 16 x 16 takes eight of each of 32 invocations.
//
// A step takes STEP quads of the sum: two matrices deep, so that there are two barriers for eight multiplications of a
// subgroup. An invocation brings in the same quad of a step for pixel after pixel, and for quad after quad of output
// channels; where the pixels of the tile lie is found once, and kept in workgroup memory. Blocks of the weight are turned
// round as they are put down, so that both factors lie along the sum: matrix units want several terms of a row, or of a
// column, in one register. A row in workgroup memory is two quads longer than its data: rows begin on 16 bytes, as
// matrices must, and eight neighbours in different banks. The finished sums go through workgroup memory too, one matrix
// of each subgroup at a time, since how a matrix lies in registers is the device's secret. With SIZE 16 all of it is 14.5
// KiB.
//
// As in forward_tiled.wgsl, from which pixels and taps come, what lies past the last pixel or channel is computed from
// what is at hand and not stored, what lies outside the image is replaced by zero, and conditions are joined with &.

enable f16;
enable wgpu_cooperative_matrix;

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
override OUT_Q: u32 = (OUT_C + 3u) / 4u;
// The invocations of a subgroup, and of a workgroup.
override LANES: u32 = 32;
override INVOCATIONS: u32 = 4u * LANES;

// Quads of a pixel, and of the sum.
override IN_Q: u32 = (IN_C + 3u) / 4u;
override DEPTH: u32 = KERNEL_H * KERNEL_W * IN_Q;
// Whether all of a step lies under one tap.
override ONE_TAP: bool = IN_Q % STEP == 0u;
// Whether a tap may lie outside the image, or between the pixels of one that is spread.
override PADDED: bool = PAD_TOP > 0 || PAD_LEFT > 0 || UP_H > 1u || UP_W > 1u
    || (i32(OUT_H) - 1) * STRIDE_H + (i32(KERNEL_H) - 1) * DILATION_H - PAD_TOP >= i32(IN_H)
    || (i32(OUT_W) - 1) * STRIDE_W + (i32(KERNEL_W) - 1) * DILATION_W - PAD_LEFT >= i32(IN_W);

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

// section matrix: the matrices of the device. Those of another size are put here.
const SIZE: u32 = 16;
alias MatrixA = coop_mat16x16<f16, A>;
alias MatrixB = coop_mat16x16<f16, B>;
alias MatrixC = coop_mat16x16<f32, C>;
// end matrix

// Quads in a row of a matrix, in a row of the tile, and of the sum in a step.
const SIZE_Q: u32 = SIZE / 4u;
const TILE_Q: u32 = SIZE;
const STEP: u32 = SIZE / 2u;
// Pixels of the tile, and output channels.
const TILE: u32 = 4u * SIZE;
// Quads from one pixel, or output channel, to the next in workgroup memory.
const PITCH: u32 = STEP + 2u;

struct Params {
    // The number of samples.
    batch: u32,
    // How many quads of the sum (over taps and channels) one split takes: whole steps.
    span: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Result>;
@group(0) @binding(4) var<uniform> params: Params;

// An output pixel, as far as its sum goes.
struct Pixel {
    // The index of the input pixel under the first tap; it may lie outside.
    origin: u32,
    // A bit for each row of taps, then one for each column: whether it meets the input.
    meets: u32,
}

// Where a tap lies from a pixel's origin, and its bits in a pixel's `meets`.
struct Tap {
    offset: u32,
    bits: u32,
}

// rows[pixel][quad of the sum], columns[output channel][quad of the sum].
var<workgroup> rows: array<vec4<f16>, TILE * PITCH>;
var<workgroup> columns: array<vec4<f16>, TILE * PITCH>;
var<workgroup> pixels: array<Pixel, TILE>;
// The matrix of each subgroup that is on its way out.
var<workgroup> sums: array<vec4<f32>, 4u * SIZE * SIZE_Q>;

// How many pixels of a phase there are along an axis.
fn phase_size(size: u32, up: u32) -> u32 {
    return (size + up - 1u) / up;
}

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

// The output pixel of a row of the product: its sample, line and column; the last for a row past it.
fn place(row: u32, phase: vec2<u32>) -> vec3<u32> {
    let size = vec2(phase_size(OUT_W, UP_W), phase_size(OUT_H, UP_H));
    let last = min(row, params.batch * size.x * size.y - 1u);
    let y = last / size.x % size.y * UP_H + phase.y;
    let x = last % size.x * UP_W + phase.x;
    return vec3(last / (size.x * size.y), y, x);
}

fn pixel(row: u32, phase: vec2<u32>) -> Pixel {
    let at = place(row, phase);
    let y = first(at.y, STRIDE_H, PAD_TOP, UP_H) / UP_H - u32(max(PAD_TOP, 0));
    let x = first(at.z, STRIDE_W, PAD_LEFT, UP_W) / UP_W - u32(max(PAD_LEFT, 0));
    let origin = (at.x * IN_H + y) * IN_W + x;
    if (!PADDED) {
        return Pixel(origin, 0u);
    }
    let lines = meeting(at.y, STRIDE_H, DILATION_H, PAD_TOP, UP_H, KERNEL_H, IN_H);
    return Pixel(origin, lines | (meeting(at.z, STRIDE_W, DILATION_W, PAD_LEFT, UP_W, KERNEL_W, IN_W) << KERNEL_H));
}

fn tap(index: u32, phase: vec2<u32>) -> Tap {
    if (KERNEL_H * KERNEL_W == 1u) {
        return Tap(0u, 3u);
    }
    let ky = index / KERNEL_W;
    let kx = index % KERNEL_W;
    let y = (first(phase.y, STRIDE_H, PAD_TOP, UP_H) % UP_H + ky * u32(DILATION_H)) / UP_H;
    let x = (first(phase.x, STRIDE_W, PAD_LEFT, UP_W) % UP_W + kx * u32(DILATION_W)) / UP_W;
    return Tap(y * IN_W + x, (1u << ky) | (1u << (KERNEL_H + kx)));
}

fn meets(p: Pixel, t: Tap) -> bool {
    return !PADDED | ((p.meets & t.bits) == t.bits);
}

// A row of the weight, or anything past the last: there the input counts as zero.
fn weights(row: u32, column: u32) -> vec4<f16> {
    return vec4<f16>(weight[min(row, 4u * DEPTH - 1u) * OUT_Q + column]);
}

// Brings the step from quad k of the sum on into workgroup memory. Neighbours bring neighbouring quads of the sum.
fn bring(k: u32, phase: vec2<u32>, first_column: u32, index: u32) {
    let q = k + index % STEP;
    let t = tap(min(q, DEPTH - 1u) / IN_Q, phase);
    for (var r = index / STEP; r < TILE; r += INVOCATIONS / STEP) {
        let p = pixels[r];
        let inside = meets(p, t) & (q < DEPTH);
        let quad = load(input[select(0u, (p.origin + t.offset) * IN_Q + q % IN_Q, inside)]);
        rows[r * PITCH + index % STEP] = select(vec4<f16>(), vec4<f16>(quad), inside);
    }
    for (var c = index / STEP; c < TILE_Q; c += INVOCATIONS / STEP) {
        let column = min(first_column + c, OUT_Q - 1u);
        let b0 = weights(4u * q, column);
        let b1 = weights(4u * q + 1u, column);
        let b2 = weights(4u * q + 2u, column);
        let b3 = weights(4u * q + 3u, column);
        let block = transpose(mat4x4(b0, b1, b2, b3));
        let at = 4u * c * PITCH + index % STEP;
        columns[at] = block[0];
        columns[at + PITCH] = block[1];
        columns[at + 2u * PITCH] = block[2];
        columns[at + 3u * PITCH] = block[3];
    }
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(OUT_C));
}

// Stores a quad of output channels of a pixel, in an image of the output: of a split.
fn put(split: u32, row: u32, phase: vec2<u32>, column: u32, sum: vec4<f32>) {
    let size = vec2(phase_size(OUT_W, UP_W), phase_size(OUT_H, UP_H));
    let at = place(row, phase);
    let inside = (row < params.batch * size.x * size.y) & (at.y < OUT_H) & (at.z < OUT_W);
    if (inside & (column < OUT_Q)) {
        let pixel = ((split * params.batch + at.x) * OUT_H + at.y) * OUT_W + at.z;
        output[pixel * OUT_Q + column] = store_result(finished(column, sum));
    }
}

// Stores one matrix of each subgroup: the pixels from first_row on, the quads of channels from first_column on.
fn put_matrix(
    matrix: MatrixC,
    lane: u32,
    subgroup: u32,
    split: u32,
    first_row: u32,
    phase: vec2<u32>,
    first_column: u32,
) {
    coopStoreT(matrix, &sums[subgroup * SIZE * SIZE_Q], SIZE_Q);
    workgroupBarrier();
    for (var i = lane; i < SIZE * SIZE_Q; i += LANES) {
        let column = first_column + i % SIZE_Q;
        let biased = (BIAS == 1u) & (split == 0u);
        let start = select(vec4(0.0), bias[select(0u, min(column, OUT_Q - 1u), biased)], biased);
        put(split, first_row + i / SIZE_Q, phase, column, start + sums[subgroup * SIZE * SIZE_Q + i]);
    }
    workgroupBarrier();
}

// Whether a row of taps, or a column, meets no input of a phase.
fn missed(phase: u32, tap: u32, stride: i32, dilation: i32, pad: i32, up: u32) -> bool {
    return (first(phase, stride, pad, up) % up + tap * u32(dilation)) % up != 0u;
}

// The first step from k on that is not all zeros.
fn skip(k: u32, end: u32, phase: vec2<u32>) -> u32 {
    if (((UP_H == 1u) & (UP_W == 1u)) | !ONE_TAP) {
        return k;
    }
    var next = k;
    while (next < end) {
        let ky = next / IN_Q / KERNEL_W;
        let kx = next / IN_Q % KERNEL_W;
        if (!(missed(phase.y, ky, STRIDE_H, DILATION_H, PAD_TOP, UP_H)
            | missed(phase.x, kx, STRIDE_W, DILATION_W, PAD_LEFT, UP_W))) {
            break;
        }
        next += STEP;
    }
    return next;
}

@compute @workgroup_size(INVOCATIONS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let tiles = (OUT_Q + TILE_Q - 1u) / TILE_Q;
    let linear = group.x + group.y * groups.x;
    let first_column = linear % tiles * TILE_Q;
    let first_row = linear / tiles * TILE;
    let split = group.z / (UP_H * UP_W);
    let phase = vec2(group.z % UP_W, group.z / UP_W % UP_H);
    for (var r = index; r < TILE; r += INVOCATIONS) {
        pixels[r] = pixel(first_row + r, phase);
    }
    workgroupBarrier();

    // The quarter of this subgroup.
    let row = subgroup / 2u * 2u * SIZE;
    let column = subgroup % 2u * 2u * SIZE;
    var sum00 = MatrixC();
    var sum01 = MatrixC();
    var sum10 = MatrixC();
    var sum11 = MatrixC();
    let begin = split * params.span;
    let end = min(begin + params.span, DEPTH);
    var k = skip(begin, end, phase);
    while (k < end) {
        bring(k, phase, first_column, index);
        workgroupBarrier();
        for (var d = 0u; d < 2u; d++) {
            // The terms lie along a row of the first factor, and along a column of the second.
            let a0 = coopLoadT<MatrixA>(&rows[row * PITCH + d * SIZE_Q], PITCH);
            let a1 = coopLoadT<MatrixA>(&rows[(row + SIZE) * PITCH + d * SIZE_Q], PITCH);
            let b0 = coopLoad<MatrixB>(&columns[column * PITCH + d * SIZE_Q], PITCH);
            let b1 = coopLoad<MatrixB>(&columns[(column + SIZE) * PITCH + d * SIZE_Q], PITCH);
            sum00 = coopMultiplyAdd(a0, b0, sum00);
            sum01 = coopMultiplyAdd(a0, b1, sum01);
            sum10 = coopMultiplyAdd(a1, b0, sum10);
            sum11 = coopMultiplyAdd(a1, b1, sum11);
        }
        workgroupBarrier();
        k = skip(k + STEP, end, phase);
    }
    let low = first_column + column / 4u;
    put_matrix(sum00, lane, subgroup, split, first_row + row, phase, low);
    put_matrix(sum01, lane, subgroup, split, first_row + row, phase, low + SIZE_Q);
    put_matrix(sum10, lane, subgroup, split, first_row + row + SIZE, phase, low);
    put_matrix(sum11, lane, subgroup, split, first_row + row + SIZE, phase, low + SIZE_Q);
}
