// conv2d, gradient to the weight: a register tile whose rows are shared through a subgroup.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, c] * grad_output[n, y, x, o]
//   sy = y * stride_height + ky * dilation_height - pad_top,   sx likewise; what lies outside counts as zero
//
// input        [n][height][width][quads] vec4 over channels
// grad_output  [n][height][width][quads] vec4 over output channels
// partial      [split][rows][quads] vec4: the weight's layout, once for each split of the sum
//
// backward_weight_thin_subgroup.wgsl takes one to three input channels, unless there is only one tap.
//
// A workgroup is one subgroup. It owns eight row quads (32 rows of the weight's matrix, a row being one channel under
// one tap) by 4 * LANES output channels, and the output pixels [z * span, (z + 1) * span) of the whole batch. It takes
// four pixels at a time: two of the first eight lanes load the row quads of one of them in turn, and subgroupBroadcast
// hands them round. So eight loads feed 512 multiply-adds of every lane, and the first of them meets all four pixels:
// where they come from memory, it is waited for once. On a processor that stands in for a GPU every step moves all sums
// to memory and back; more rows or more pixels at a time make a loop too long for its instruction cache. The span bounds
// the loops, and gives a wide device enough workgroups; common/sum_partials.wgsl joins the splits.
//
// As in forward_subgroup.wgsl, the window and the sizes of images are in the uniform.

// Whether the output's images have one pixel.
override FLAT: bool = false;
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

struct Params {
    // The number of samples.
    batch: u32,
    // How many output pixels one split sums.
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
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

const ROW_QUADS: u32 = 8;
const ROWS: u32 = 4u * ROW_QUADS;

// A quad of rows of the weight's matrix: the offset of its tap from a pixel's first, and its quad of channels.
struct Row {
    y: i32,
    x: i32,
    quad: u32,
    valid: bool,
}

fn row_of_tap(tap: u32, quad: u32) -> Row {
    let y = i32(tap / params.kernel_width) * params.dilation_height - params.pad_top;
    let x = i32(tap % params.kernel_width) * params.dilation_width - params.pad_left;
    return Row(y, x, quad, tap < params.kernel_height * params.kernel_width);
}

// Quads of channels of the output.
fn out_quads() -> u32 {
    return (params.out_channels + 3u) / 4u;
}

// How many pixels of the output there are along x and y.
fn grid() -> vec2<u32> {
    return vec2(params.out_width, params.out_height);
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

// The channels of the input of a row quad under a pixel, if that counts.
fn channels(row: Row, at: Place, counts: bool) -> vec4<f32> {
    let sy = i32(at.line) * params.stride_height + row.y;
    let sx = i32(at.column) * params.stride_width + row.x;
    let inside = counts & row.valid & (sy >= 0) & (sx >= 0)
        & (u32(sy) < params.in_height) & (u32(sx) < params.in_width);
    let source = (at.sample * params.in_height + u32(sy)) * params.in_width + u32(sx);
    return select(vec4(0.0), load(input[select(0u, source * params.in_quads + row.quad, inside)]), inside);
}

// The sums of eight rows. An index that a loop counts would move them out of the registers.
alias Block = array<vec4<f32>, 8>;

// Four quads: what a lane holds of the input, or the gradients of four pixels.
struct Four {
    first: vec4<f32>,
    second: vec4<f32>,
    third: vec4<f32>,
    fourth: vec4<f32>,
}

// sum + the gradients of four pixels, each multiplied with its input in a row.
fn madd(sum: vec4<f32>, a: vec4<f32>, g: Four) -> vec4<f32> {
    return fma(vec4(a.w), g.fourth, fma(vec4(a.z), g.third, fma(vec4(a.y), g.second, fma(vec4(a.x), g.first, sum))));
}

// Adds the outer products of two row quads and the gradients. Even lanes hold the lower of them, odd lanes the higher one.
fn multiply(block: ptr<function, Block>, a: vec4<f32>, gradients: Four) {
    var x = Four(subgroupBroadcast(a, 0u), subgroupBroadcast(a, 2u), subgroupBroadcast(a, 4u), subgroupBroadcast(a, 6u));
    (*block)[0] = madd((*block)[0], vec4(x.first.x, x.second.x, x.third.x, x.fourth.x), gradients);
    (*block)[1] = madd((*block)[1], vec4(x.first.y, x.second.y, x.third.y, x.fourth.y), gradients);
    (*block)[2] = madd((*block)[2], vec4(x.first.z, x.second.z, x.third.z, x.fourth.z), gradients);
    (*block)[3] = madd((*block)[3], vec4(x.first.w, x.second.w, x.third.w, x.fourth.w), gradients);
    x = Four(subgroupBroadcast(a, 1u), subgroupBroadcast(a, 3u), subgroupBroadcast(a, 5u), subgroupBroadcast(a, 7u));
    (*block)[4] = madd((*block)[4], vec4(x.first.x, x.second.x, x.third.x, x.fourth.x), gradients);
    (*block)[5] = madd((*block)[5], vec4(x.first.y, x.second.y, x.third.y, x.fourth.y), gradients);
    (*block)[6] = madd((*block)[6], vec4(x.first.z, x.second.z, x.third.z, x.fourth.z), gradients);
    (*block)[7] = madd((*block)[7], vec4(x.first.w, x.second.w, x.third.w, x.fourth.w), gradients);
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
    return params.kernel_height * params.kernel_width * params.in_quads;
}

fn put(split: u32, row: u32, column: u32, value: vec4<f32>) {
    let rows = 4u * row_quads();
    if ((row < rows) & (column < out_quads())) {
        partial[(split * rows + row) * out_quads() + column] = value;
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let columns = out_quads();
    let tiles = (columns + LANES - 1u) / LANES;
    let linear = group.x + group.y * groups.x;
    let column = linear % tiles * LANES + lane;
    let safe_column = min(column, columns - 1u);
    let first_quad = linear / tiles * ROW_QUADS;
    let quads = params.in_quads;
    let quad = first_quad + lane % 2u;
    let row0 = row_of_tap(quad / quads, quad % quads);
    let row1 = row_of_tap((quad + 2u) / quads, (quad + 2u) % quads);
    let row2 = row_of_tap((quad + 4u) / quads, (quad + 4u) % quads);
    let row3 = row_of_tap((quad + 6u) / quads, (quad + 6u) % quads);

    var block0 = Block();
    var block1 = Block();
    var block2 = Block();
    var block3 = Block();
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.batch * params.out_height * params.out_width);
    let own = lane % 8u / 2u;
    let step = place(4u);
    var at = place(begin + own);
    for (var m = begin; m < end; m += 4u) {
        // Past the end the rows are zero, whatever the gradient.
        let counts = m + own < end;
        let a = Four(
            channels(row0, at, counts),
            channels(row1, at, counts),
            channels(row2, at, counts),
            channels(row3, at, counts),
        );
        let gradients = Four(
            load(grad_output[m * columns + safe_column]),
            load(grad_output[min(m + 1u, end - 1u) * columns + safe_column]),
            load(grad_output[min(m + 2u, end - 1u) * columns + safe_column]),
            load(grad_output[min(m + 3u, end - 1u) * columns + safe_column]),
        );
        multiply(&block0, a.first, gradients);
        multiply(&block1, a.second, gradients);
        multiply(&block2, a.third, gradients);
        multiply(&block3, a.fourth, gradients);
        at = after(at, step);
    }
    for (var row = 0u; row < ROWS; row++) {
        let low = select(pick(&block0, row % 8u), pick(&block1, row % 8u), row >= 8u);
        let high = select(pick(&block2, row % 8u), pick(&block3, row % 8u), row >= 24u);
        put(group.z, 4u * first_quad + row, column, select(low, high, row >= 16u));
    }
}
