// conv2d, forward: implicit matrix product with tiles in workgroup memory.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx, c of input[n, sy, sx, c] * weight[ky][kx][c][o]
//   sy = (y * STRIDE_H + ky * DILATION_H - PAD_TOP) / UP_H,   sx likewise
//
// What UP and its phases are, and the layout of the bindings, is said in forward_subgroup.wgsl: the two
// compute the same. This one needs no subgroups and suits a GPU whose workgroup memory is fast.
//
// A workgroup of 8 x 8 invocations owns 64 pixels and 64 output channels. It brings 16 terms of the sum at a
// time into workgroup memory (9 KiB), each value once, and each invocation adds an 8 x 8 block of products
// in registers: the pixels ty, ty + 8, ... and the channel quads tx and tx + 8, so that neighbours read
// neighbouring addresses. One vec4 read from workgroup memory feeds 16 multiply-adds. A row of the pixels' tile
// is one quad longer than its data, so that the eight rows read at once lie in different banks.
//
// Conditions are joined with &, not &&: none of their parts may fail or costs much, while every && is a branch, of
// which inlining makes dozens. SwiftShader took minutes to compile them.

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

const TILE: u32 = 64;      // pixels, and output channels
const DEPTH: u32 = 4;      // quads of the sum brought in at a time
const PITCH: u32 = DEPTH + 1;

var<workgroup> rows: array<vec4<f32>, TILE * PITCH>;
var<workgroup> columns: array<vec4<f32>, 4 * DEPTH * (TILE / 4)>;

var<private> acc: array<vec4<f32>, 16>;

// acc + the product of one row's quad with four columns' rows.
fn madd(acc: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return fma(vec4(a.w), b3, fma(vec4(a.z), b2, fma(vec4(a.y), b1, fma(vec4(a.x), b0, acc))));
}

// Adds the products of the tiles. The accumulators are written out here and below: an array indexed by a loop
// would leave the registers.
fn multiply(tx: u32, ty: u32) {
    for (var q = 0u; q < DEPTH; q++) {
        let a0 = rows[ty * PITCH + q];
        let a1 = rows[(ty + 8u) * PITCH + q];
        let a2 = rows[(ty + 16u) * PITCH + q];
        let a3 = rows[(ty + 24u) * PITCH + q];
        let a4 = rows[(ty + 32u) * PITCH + q];
        let a5 = rows[(ty + 40u) * PITCH + q];
        let a6 = rows[(ty + 48u) * PITCH + q];
        let a7 = rows[(ty + 56u) * PITCH + q];
        {
            let c = 4u * q * 16u + tx;
            let b0 = columns[c];
            let b1 = columns[c + 16u];
            let b2 = columns[c + 32u];
            let b3 = columns[c + 48u];
            acc[0] = madd(acc[0], a0, b0, b1, b2, b3);
            acc[2] = madd(acc[2], a1, b0, b1, b2, b3);
            acc[4] = madd(acc[4], a2, b0, b1, b2, b3);
            acc[6] = madd(acc[6], a3, b0, b1, b2, b3);
            acc[8] = madd(acc[8], a4, b0, b1, b2, b3);
            acc[10] = madd(acc[10], a5, b0, b1, b2, b3);
            acc[12] = madd(acc[12], a6, b0, b1, b2, b3);
            acc[14] = madd(acc[14], a7, b0, b1, b2, b3);
        }
        {
            let c = 4u * q * 16u + tx + 8u;
            let b0 = columns[c];
            let b1 = columns[c + 16u];
            let b2 = columns[c + 32u];
            let b3 = columns[c + 48u];
            acc[1] = madd(acc[1], a0, b0, b1, b2, b3);
            acc[3] = madd(acc[3], a1, b0, b1, b2, b3);
            acc[5] = madd(acc[5], a2, b0, b1, b2, b3);
            acc[7] = madd(acc[7], a3, b0, b1, b2, b3);
            acc[9] = madd(acc[9], a4, b0, b1, b2, b3);
            acc[11] = madd(acc[11], a5, b0, b1, b2, b3);
            acc[13] = madd(acc[13], a6, b0, b1, b2, b3);
            acc[15] = madd(acc[15], a7, b0, b1, b2, b3);
        }
    }
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

// Quad k of the flattened sum over taps and channels.
fn quad_of(p: Pixel, k: u32) -> vec4<f32> {
    if (IN_C < 4u) {
        return flattened(p, k);
    }
    let quads = (IN_C + 3u) / 4u;
    let tap = k / quads;
    let inside = tap < KERNEL_H * KERNEL_W;
    return channels(select(OUTSIDE, source(p, tap / KERNEL_W, tap % KERNEL_W), inside), k % quads);
}

// Whether any pixel of the phase meets the input under a tap of this row or column. Both remainders are of what is not
// negative: of a negative number GLSL has none.
fn meets(phase: u32, tap: u32, dilation: i32, pad: i32, up: u32) -> bool {
    return (phase + tap * u32(dilation) + u32(max(-pad, 0))) % up == u32(max(pad, 0)) % up;
}

// Whether all of a step's quads lie under one tap that no pixel of the phase meets.
fn skipped(phase: vec2<u32>, k: u32) -> bool {
    let quads = (IN_C + 3u) / 4u;
    if ((UP_H == 1u && UP_W == 1u) || IN_C < 4u || quads % DEPTH != 0u) {
        return false;
    }
    let ky = k / quads / KERNEL_W;
    let kx = k / quads % KERNEL_W;
    return !meets(phase.y, ky, DILATION_H, PAD_TOP, UP_H) || !meets(phase.x, kx, DILATION_W, PAD_LEFT, UP_W);
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let tiles = (4u * OUT_Q + TILE - 1u) / TILE;
    let linear = group.x + group.y * groups.x;
    let column = linear % tiles * (TILE / 4u);
    let first = linear / tiles * TILE;
    let split = group.z / (UP_H * UP_W);
    let phase = vec2(group.z % UP_W, group.z / UP_W % UP_H);
    // What this invocation brings in: one pixel's quads of the rows, and rows of one column.
    let mine = pixel(first + index, phase);
    let brought = column + index % 16u;

    let biased = (BIAS == 1u) & (split == 0u);
    let low = select(vec4(0.0), bias[select(0u, min(column + local.x, OUT_Q - 1u), biased)], biased);
    let high = select(vec4(0.0), bias[select(0u, min(column + local.x + 8u, OUT_Q - 1u), biased)], biased);
    acc = array(low, high, low, high, low, high, low, high, low, high, low, high, low, high, low, high);
    let depth = select(KERNEL_H * KERNEL_W * ((IN_C + 3u) / 4u), (KERNEL_H * KERNEL_W * IN_C + 3u) / 4u, IN_C < 4u);
    let begin = split * params.span;
    let end = min(begin + params.span, depth);
    for (var k = begin; k < end; k += DEPTH) {
        if (skipped(phase, k)) {
            continue;
        }
        for (var q = 0u; q < DEPTH; q++) {
            rows[index * PITCH + q] = quad_of(mine, k + q);
        }
        for (var i = index / 16u; i < 4u * DEPTH; i += 4u) {
            let row = 4u * k + i;
            let inside = (row < 4u * end) & (brought < OUT_Q);
            columns[i * 16u + index % 16u] = select(vec4(0.0), weight[select(0u, row * OUT_Q + brought, inside)], inside);
        }
        workgroupBarrier();
        multiply(local.x, local.y);
        workgroupBarrier();
    }
    put(split, first + local.y, phase, column + local.x, acc[0]);
    put(split, first + local.y, phase, column + local.x + 8u, acc[1]);
    put(split, first + local.y + 8u, phase, column + local.x, acc[2]);
    put(split, first + local.y + 8u, phase, column + local.x + 8u, acc[3]);
    put(split, first + local.y + 16u, phase, column + local.x, acc[4]);
    put(split, first + local.y + 16u, phase, column + local.x + 8u, acc[5]);
    put(split, first + local.y + 24u, phase, column + local.x, acc[6]);
    put(split, first + local.y + 24u, phase, column + local.x + 8u, acc[7]);
    put(split, first + local.y + 32u, phase, column + local.x, acc[8]);
    put(split, first + local.y + 32u, phase, column + local.x + 8u, acc[9]);
    put(split, first + local.y + 40u, phase, column + local.x, acc[10]);
    put(split, first + local.y + 40u, phase, column + local.x + 8u, acc[11]);
    put(split, first + local.y + 48u, phase, column + local.x, acc[12]);
    put(split, first + local.y + 48u, phase, column + local.x + 8u, acc[13]);
    put(split, first + local.y + 56u, phase, column + local.x, acc[14]);
    put(split, first + local.y + 56u, phase, column + local.x + 8u, acc[15]);
}
