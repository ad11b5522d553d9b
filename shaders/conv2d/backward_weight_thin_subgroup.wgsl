// conv2d, gradient to the weight, one to three input channels: a register tile whose rows are shared through a subgroup.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, c] * grad_output[n, y, x, o]
//   sy = y * stride_height + ky * dilation_height - pad_top,   sx likewise; what lies outside counts as zero
//
// The layout of the bindings is that of backward_weight_subgroup.wgsl: the two compute the same. Here the rows of the
// weight's matrix are taken by whole taps, and each channel that is there is loaded once.
//
// A workgroup is one subgroup. It owns two halves of TAPS taps, of at most 16 rows each (a row being one channel under
// one tap), by 4 * LANES output channels, and the output pixels [z * span, (z + 1) * span) of the whole batch. It takes
// four pixels at a time: lanes 0 to 3 load the first half of the taps of a pixel each, lanes 4 to 7 the second, and
// subgroupBroadcast hands them round. A processor loads lane by lane, so that a load of one float costs it about as much
// as five multiply-adds of all lanes: there is one such load for 15 multiply-adds. More pixels would not fit in its
// instruction cache. The span bounds the loops, and gives a wide device enough workgroups; common/sum_partials.wgsl
// joins the splits.
//
// As in forward_subgroup.wgsl, the window and the sizes of images are in the uniform, but for what a step divides by.

// The input channels: 1, 2 or 3.
override THIN: u32 = 3;
// Whether the output's images have one pixel.
override FLAT: bool = false;
override KERNEL_W: u32 = 1;
// As many as let the halves of all workgroups have all rows, those of padding too.
override TAPS: u32 = 5;
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

const PIXELS: u32 = 4;

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

// An output pixel: the first row of its sample's input, and where its first tap lies in the unpadded input.
struct Pixel {
    sample: u32,
    y: i32,
    x: i32,
    // Whether it is one of the split's.
    valid: bool,
}

fn pixel(at: Place, valid: bool) -> Pixel {
    let y = i32(at.line) * params.stride_height - params.pad_top;
    let x = i32(at.column) * params.stride_width - params.pad_left;
    return Pixel(at.sample * params.in_height, y, x, valid);
}

// The channels under a tap, if the half has it.
fn under(p: Pixel, first: u32, i: u32) -> vec3<f32> {
    if (i >= TAPS) {
        return vec3(0.0);
    }
    let tap = first + i;
    let sy = p.y + i32(tap / KERNEL_W) * params.dilation_height;
    let sx = p.x + i32(tap % KERNEL_W) * params.dilation_width;
    let inside = p.valid & (tap < params.kernel_height * KERNEL_W)
        & (sy >= 0) & (sx >= 0) & (u32(sy) < params.in_height) & (u32(sx) < params.in_width);
    let index = (p.sample + u32(sy)) * params.in_width + u32(sx);
    return select(vec3(0.0), load(input[select(0u, index, inside)]).xyz, inside);
}

// The inputs of 16 rows.
struct Rows {
    first: vec4<f32>,
    second: vec4<f32>,
    third: vec4<f32>,
    fourth: vec4<f32>,
}

// The inputs of a pixel under the taps from the given one.
fn inputs(p: Pixel, tap: u32) -> Rows {
    if (THIN == 1u) {
        return Rows(
            vec4(under(p, tap, 0u).x, under(p, tap, 1u).x, under(p, tap, 2u).x, under(p, tap, 3u).x),
            vec4(under(p, tap, 4u).x, under(p, tap, 5u).x, under(p, tap, 6u).x, under(p, tap, 7u).x),
            vec4(under(p, tap, 8u).x, under(p, tap, 9u).x, under(p, tap, 10u).x, under(p, tap, 11u).x),
            vec4(under(p, tap, 12u).x, under(p, tap, 13u).x, under(p, tap, 14u).x, under(p, tap, 15u).x),
        );
    }
    if (THIN == 2u) {
        return Rows(
            vec4(under(p, tap, 0u).xy, under(p, tap, 1u).xy),
            vec4(under(p, tap, 2u).xy, under(p, tap, 3u).xy),
            vec4(under(p, tap, 4u).xy, under(p, tap, 5u).xy),
            vec4(under(p, tap, 6u).xy, under(p, tap, 7u).xy),
        );
    }
    let second = under(p, tap, 1u);
    let third = under(p, tap, 2u);
    return Rows(
        vec4(under(p, tap, 0u), second.x),
        vec4(second.yz, third.xy),
        vec4(third.z, under(p, tap, 3u)),
        vec4(under(p, tap, 4u), 0.0),
    );
}

// One quad of four pixels.
struct Four {
    first: vec4<f32>,
    second: vec4<f32>,
    third: vec4<f32>,
    fourth: vec4<f32>,
}

// Those of the two halves. WGSL wants the broadcasting lane to be a constant.
fn low(a: vec4<f32>) -> Four {
    return Four(subgroupBroadcast(a, 0u), subgroupBroadcast(a, 1u), subgroupBroadcast(a, 2u), subgroupBroadcast(a, 3u));
}

fn high(a: vec4<f32>) -> Four {
    return Four(subgroupBroadcast(a, 4u), subgroupBroadcast(a, 5u), subgroupBroadcast(a, 6u), subgroupBroadcast(a, 7u));
}

// The sums of eight rows. An index that a loop counts would move them out of the registers.
alias Block = array<vec4<f32>, 8>;

// sum + the gradients of four pixels, each multiplied with its input in a row.
fn madd(sum: vec4<f32>, a: vec4<f32>, b: Four) -> vec4<f32> {
    return fma(vec4(a.w), b.fourth, fma(vec4(a.z), b.third, fma(vec4(a.y), b.second, fma(vec4(a.x), b.first, sum))));
}

// Whether a half has the row.
fn has(row: u32) -> bool {
    return row < TAPS * THIN;
}

// Adds the outer products of the inputs of four rows, of which the first is the given one of its half, and the gradients.
fn multiply(block: ptr<function, Block>, row: u32, a: Four, b: Four) {
    let i = row % 8u;
    if (has(row)) {
        (*block)[i] = madd((*block)[i], vec4(a.first.x, a.second.x, a.third.x, a.fourth.x), b);
    }
    if (has(row + 1u)) {
        (*block)[i + 1u] = madd((*block)[i + 1u], vec4(a.first.y, a.second.y, a.third.y, a.fourth.y), b);
    }
    if (has(row + 2u)) {
        (*block)[i + 2u] = madd((*block)[i + 2u], vec4(a.first.z, a.second.z, a.third.z, a.fourth.z), b);
    }
    if (has(row + 3u)) {
        (*block)[i + 3u] = madd((*block)[i + 3u], vec4(a.first.w, a.second.w, a.third.w, a.fourth.w), b);
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

fn put(split: u32, row: u32, column: u32, value: vec4<f32>) {
    let rows = (params.kernel_height * KERNEL_W * THIN + 3u) / 4u * 4u;
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
    let first = linear / tiles * (2u * TAPS);
    let tap = first + lane / PIXELS % 2u * TAPS;

    var block0 = Block();
    var block1 = Block();
    var block2 = Block();
    var block3 = Block();
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.batch * params.out_height * params.out_width);
    let own = lane % PIXELS;
    let step = place(PIXELS);
    var at = place(begin + own);
    for (var m = begin; m < end; m += PIXELS) {
        let a = inputs(pixel(at, m + own < end), tap);
        // Past the end the inputs are zero, whatever the gradient.
        let d = min(vec4(m) + vec4(0u, 1u, 2u, 3u), vec4(end - 1u)) * columns + vec4(safe_column);
        let b = Four(load(grad_output[d.x]), load(grad_output[d.y]), load(grad_output[d.z]), load(grad_output[d.w]));
        multiply(&block0, 0u, low(a.first), b);
        multiply(&block0, 4u, low(a.second), b);
        multiply(&block1, 8u, low(a.third), b);
        multiply(&block1, 12u, low(a.fourth), b);
        multiply(&block2, 0u, high(a.first), b);
        multiply(&block2, 4u, high(a.second), b);
        multiply(&block3, 8u, high(a.third), b);
        multiply(&block3, 12u, high(a.fourth), b);
        at = after(at, step);
    }
    for (var row = 0u; row < 16u; row++) {
        if (has(row)) {
            let i = row % 8u;
            put(group.z, first * THIN + row, column, select(pick(&block0, i), pick(&block1, i), row >= 8u));
            put(group.z, (first + TAPS) * THIN + row, column, select(pick(&block2, i), pick(&block3, i), row >= 8u));
        }
    }
}
