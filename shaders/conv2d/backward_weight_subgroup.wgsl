// conv2d, gradient to the weight: a register tile whose rows are shared through a subgroup.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, c] * grad_output[n, y, x, o]
//   sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP,   sx likewise; what lies outside counts as zero
//
// input        [n][IN_H][IN_W][IN_Q] vec4 over channels
// grad_output  [n][OUT_H][OUT_W][OUT_Q] vec4 over output channels
// partial      [split][rows][OUT_Q] vec4: the weight's layout, once for each split of the sum
//
// backward_weight_thin_subgroup.wgsl takes one to three input channels, unless there is only one tap.
//
// A workgroup is one subgroup. It owns eight row quads (32 rows of the weight's matrix, a row being one channel under
// one tap) by 4 * LANES output channels, and the output pixels [z * span, (z + 1) * span) of the whole batch. It takes
// two pixels at a time: each of the first eight lanes loads one of the row quads, and subgroupBroadcast hands them
// round. So the load of a quad by eight lanes feeds 128 multiply-adds of a lane, or 32 of all of them; more rows or more
// pixels at a time make a loop too long for the instruction caches of processors. The span bounds the loops, and
// gives a wide device enough workgroups; common/sum_partials.wgsl joins the splits.

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

struct Params {
    // The number of samples.
    batch: u32,
    // How many output pixels one split sums.
    span: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const ROW_QUADS: u32 = 8;
const ROWS: u32 = 4u * ROW_QUADS;
const OUTSIDE: u32 = 0xffffffffu;

// A quad of rows of the weight's matrix: the offset of its tap from a pixel's first, and its quad of channels.
struct Row {
    y: i32,
    x: i32,
    quad: u32,
    valid: bool,
}

fn row_of_tap(tap: u32, quad: u32) -> Row {
    let y = i32(tap / KERNEL_W) * DILATION_H - PAD_TOP;
    let x = i32(tap % KERNEL_W) * DILATION_W - PAD_LEFT;
    return Row(y, x, quad, tap < KERNEL_H * KERNEL_W);
}

// An output pixel; the sample past the last is OUTSIDE for a pixel that does not count.
struct Pixel {
    sample: u32,
    y: u32,
    x: u32,
}

fn following(p: Pixel) -> Pixel {
    let x = p.x + 1u;
    let y = p.y + u32(x == OUT_W);
    return Pixel(p.sample + u32(y == OUT_H), select(y, 0u, y == OUT_H), select(x, 0u, x == OUT_W));
}

// The channels of the input of a row quad under a pixel.
fn channels(row: Row, p: Pixel) -> vec4<f32> {
    let sy = i32(p.y) * STRIDE_H + row.y;
    let sx = i32(p.x) * STRIDE_W + row.x;
    let counts = row.valid & (p.sample != OUTSIDE);
    let inside = counts & (sy >= 0) & (sx >= 0) & (u32(sy) < IN_H) & (u32(sx) < IN_W);
    let source = (p.sample * IN_H + u32(sy)) * IN_W + u32(sx);
    return select(vec4(0.0), load(input[select(0u, source * ((IN_C + 3u) / 4u) + row.quad, inside)]), inside);
}

// The sums of eight rows. An index that a loop counts would move them out of the registers.
alias Block = array<vec4<f32>, 8>;

// The same row quad of two pixels.
struct Pair {
    first: vec4<f32>,
    second: vec4<f32>,
}

// sum + the gradients of two pixels, each multiplied with its input in a row.
fn madd(sum: vec4<f32>, first: f32, second: f32, gradients: Pair) -> vec4<f32> {
    return fma(vec4(second), gradients.second, fma(vec4(first), gradients.first, sum));
}

// Adds the outer products of two row quads and the gradients.
fn multiply(block: ptr<function, Block>, low: Pair, high: Pair, gradients: Pair) {
    (*block)[0] = madd((*block)[0], low.first.x, low.second.x, gradients);
    (*block)[1] = madd((*block)[1], low.first.y, low.second.y, gradients);
    (*block)[2] = madd((*block)[2], low.first.z, low.second.z, gradients);
    (*block)[3] = madd((*block)[3], low.first.w, low.second.w, gradients);
    (*block)[4] = madd((*block)[4], high.first.x, high.second.x, gradients);
    (*block)[5] = madd((*block)[5], high.first.y, high.second.y, gradients);
    (*block)[6] = madd((*block)[6], high.first.z, high.second.z, gradients);
    (*block)[7] = madd((*block)[7], high.first.w, high.second.w, gradients);
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

fn row_quads() -> u32 {
    return KERNEL_H * KERNEL_W * ((IN_C + 3u) / 4u);
}

fn put(split: u32, row: u32, column: u32, value: vec4<f32>) {
    let rows = 4u * row_quads();
    if ((row < rows) & (column < OUT_Q)) {
        partial[(split * rows + row) * OUT_Q + column] = value;
    }
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
    let safe_column = min(column, OUT_Q - 1u);
    let first_quad = linear / tiles * ROW_QUADS;
    let quads = (IN_C + 3u) / 4u;
    let quad = first_quad + lane % ROW_QUADS;
    let row = row_of_tap(quad / quads, quad % quads);

    var block0 = Block();
    var block1 = Block();
    var block2 = Block();
    var block3 = Block();
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.batch * OUT_H * OUT_W);
    var p = Pixel(begin / (OUT_H * OUT_W), begin / OUT_W % OUT_H, begin % OUT_W);
    for (var m = begin; m < end; m += 2u) {
        let second = following(p);
        // Past the end, the second pixel's rows are zero, whatever its gradient.
        let last = m + 1u == end;
        let a = Pair(channels(row, p), channels(row, Pixel(select(second.sample, OUTSIDE, last), second.y, second.x)));
        p = following(second);
        let d = m * OUT_Q + safe_column;
        let gradients = Pair(load(grad_output[d]), load(grad_output[select(d + OUT_Q, d, last)]));
        // Written out: WGSL wants the broadcasting lane to be a constant.
        let a0 = Pair(subgroupBroadcast(a.first, 0u), subgroupBroadcast(a.second, 0u));
        let a1 = Pair(subgroupBroadcast(a.first, 1u), subgroupBroadcast(a.second, 1u));
        let a2 = Pair(subgroupBroadcast(a.first, 2u), subgroupBroadcast(a.second, 2u));
        let a3 = Pair(subgroupBroadcast(a.first, 3u), subgroupBroadcast(a.second, 3u));
        let a4 = Pair(subgroupBroadcast(a.first, 4u), subgroupBroadcast(a.second, 4u));
        let a5 = Pair(subgroupBroadcast(a.first, 5u), subgroupBroadcast(a.second, 5u));
        let a6 = Pair(subgroupBroadcast(a.first, 6u), subgroupBroadcast(a.second, 6u));
        let a7 = Pair(subgroupBroadcast(a.first, 7u), subgroupBroadcast(a.second, 7u));
        multiply(&block0, a0, a1, gradients);
        multiply(&block1, a2, a3, gradients);
        multiply(&block2, a4, a5, gradients);
        multiply(&block3, a6, a7, gradients);
    }
    for (var row = 0u; row < ROWS; row++) {
        let low = select(pick(&block0, row % 8u), pick(&block1, row % 8u), row >= 8u);
        let high = select(pick(&block2, row % 8u), pick(&block3, row % 8u), row >= 24u);
        put(group.z, 4u * first_quad + row, column, select(low, high, row >= 16u));
    }
}
