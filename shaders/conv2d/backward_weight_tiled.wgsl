// conv2d, gradient to the weight: tiles in workgroup memory.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, c] * grad_output[n, y, x, o]
//   sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP,   sx likewise; what lies outside counts as zero
//
// The layout of the bindings is that of backward_weight_subgroup.wgsl: the two compute the same. This one needs no
// subgroups and suits a GPU whose workgroup memory is fast. With a kernel of 1 x 1 on images of 1 x 1 (FLAT) it is the
// plain product of linear: all that a window takes folds away.
//
// A workgroup of 8 x 8 x SLICES invocations owns 32 * TALL * SLICES rows of the weight's matrix (a row being one
// channel under one tap) by 32 * WIDE output channels, and the output pixels [z * span, (z + 1) * span) of the whole
// batch. What an invocation owns, why the tile is that size and how a step is brought in while the one before is
// multiplied is said in forward_tiled.wgsl. Here the sum is over pixels, 32 / TALL in a step: an invocation brings in
// one quad of rows for four of them, and nothing needs to be turned round. common/sum_partials.wgsl joins the splits.
// As there, the window is in overrides and the sizes of images are in the uniform.

// The input channels where there are fewer than four, otherwise 0.
override THIN: u32 = 0;
// Whether the output's images have one pixel.
override FLAT: bool = false;
// Whether a tap may lie outside the image.
override PADDED: bool = true;
override KERNEL_H: u32 = 1;
override KERNEL_W: u32 = 1;
override STRIDE_H: i32 = 1;
override STRIDE_W: i32 = 1;
override DILATION_H: i32 = 1;
override DILATION_W: i32 = 1;
override PAD_TOP: i32 = 0;
override PAD_LEFT: i32 = 0;
// How many images a sample has, each with a product of its own, and of how many pixels: src/ops/convolution/winograd.
override POINTS: u32 = 1;
override POINT_PIXELS: u32 = 1;
// The tile.
override TALL: u32 = 2;
override WIDE: u32 = 2;
override SLICES: u32 = 1;
// Whether the step is written out: see forward_tiled.wgsl.
override UNROLLED: bool = true;

// Quads of pixels in a step, and quads of grad_output that an invocation brings in for it.
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

struct Params {
    // The number of samples.
    batch: u32,
    // How many output pixels one split sums.
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
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

// A row of the weight's matrix: where its tap lies from a pixel's first, and its quad of channels.
struct Row {
    y: i32,
    x: i32,
    quad: u32,
}

// An output pixel: its image, and where its window begins but for the padding.
struct Pixel {
    image: u32,
    y: i32,
    x: i32,
    inside: bool,
}

// What an invocation brings in of every step: a quad of rows for four pixels from the place of the first of them, and
// a column of grad_output.
struct Share {
    point: u32,
    quad: u32,
    row: Row,
    column: u32,
    // Between the places of two steps, and how many pixels after a step's first its own are: for the rows, and for
    // the column.
    step: Place,
    rows_from: u32,
    column_from: u32,
}

// A step's values on their way to workgroup memory: the quads of four pixels, whether each is inside, and
// grad_output's.
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

// rows[slice][quad of pixels, quad of rows][pixel][place], columns[quad of pixels, quad of channels][pixel][place].
var<workgroup> rows: array<array<array<array<vec4<f32>, 8>, 4>, 8>, SLICES>;
var<workgroup> columns: array<array<array<vec4<f32>, 8>, 4>, STEP * WIDE>;

var<private> acc: array<vec4<f32>, 16>;

fn row(tap: u32, quad: u32) -> Row {
    let y = i32(tap / KERNEL_W) * DILATION_H - PAD_TOP;
    let x = i32(tap % KERNEL_W) * DILATION_W - PAD_LEFT;
    return Row(y, x, quad);
}

// Quads of channels of the output.
fn out_quads() -> u32 {
    return (params.out_channels + 3u) / 4u;
}

// Quads of the rows of the weight's matrix.
fn row_quads() -> u32 {
    return (KERNEL_H * KERNEL_W * select(4u * params.in_quads, THIN, THIN > 0u) + 3u) / 4u;
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

fn pixel(point: u32, at: Place, inside: bool) -> Pixel {
    return Pixel(at.sample * POINTS + point, i32(at.line) * STRIDE_H, i32(at.column) * STRIDE_W, inside);
}

fn meets(r: Row, p: Pixel) -> bool {
    let inside = (u32(p.y + r.y) < params.in_height) & (u32(p.x + r.x) < params.in_width);
    return p.inside & (!PADDED | inside);
}

// Channels 4q .. 4q+3 of a row's tap at a pixel, or anything.
fn channels(r: Row, p: Pixel, inside: bool) -> vec4<f32> {
    let source = (p.image * params.in_height + u32(p.y + r.y)) * params.in_width + u32(p.x + r.x);
    return load(input[select(0u, source * params.in_quads + r.quad, inside)]);
}

// The channels under a tap at a pixel, zero outside and past the last tap, for inputs of fewer than four channels.
fn under(tap: u32, p: Pixel) -> vec4<f32> {
    let r = row(tap, 0u);
    let inside = meets(r, p) & (tap < KERNEL_H * KERNEL_W);
    return select(vec4(0.0), channels(r, p, inside), inside);
}

// A quad of rows at a pixel, for inputs of fewer than four channels: of the flattened (tap, channel) rows.
fn flattened(quad: u32, p: Pixel) -> vec4<f32> {
    let tap = 4u * quad / max(THIN, 1u);
    let skip = 4u * quad % max(THIN, 1u);
    let v0 = under(tap, p);
    let v1 = under(tap + 1u, p);
    if (THIN == 1u) {
        return vec4(v0.x, v1.x, under(tap + 2u, p).x, under(tap + 3u, p).x);
    }
    if (THIN == 2u) {
        return vec4(v0.xy, v1.xy);
    }
    let late = select(vec4(v0.yz, v1.xy), vec4(v0.z, v1.xyz), skip == 2u);
    return select(late, vec4(v0.xyz, v1.x), skip == 0u);
}

// A quad of grad_output, or anything past the last pixel: the input counts as zero there.
fn gradients(s: Share, index: u32) -> vec4<f32> {
    let last = min(index, params.batch * params.out_height * params.out_width - 1u);
    let of_point = (last / POINT_PIXELS * POINTS + s.point) * POINT_PIXELS + last % POINT_PIXELS;
    return load(grad_output[select(of_point, last, POINTS == 1u) * out_quads() + s.column]);
}

// The pixels of a step from `base` on for which an invocation brings in a quad of rows, of which the first is given.
fn pixels(s: Share, base: u32, end: u32, first: Place) -> array<Pixel, 4> {
    let index = base + s.rows_from;
    let second = next(first);
    let third = next(second);
    return array(
        pixel(s.point, first, index < end),
        pixel(s.point, second, index + 1u < end),
        pixel(s.point, third, index + 2u < end),
        pixel(s.point, next(third), index + 3u < end),
    );
}

// Sets out for the values of the step from pixel `base` on. Inputs of fewer than four channels are left for later:
// they take so many instructions that one place for them is enough.
fn bring(s: Share, base: u32, end: u32, first: Place) -> Load {
    var to: Load;
    if (THIN == 0u) {
        let p = pixels(s, base, end, first);
        to.inside = vec4(meets(s.row, p[0]), meets(s.row, p[1]), meets(s.row, p[2]), meets(s.row, p[3]));
        to.a0 = channels(s.row, p[0], to.inside.x);
        to.a1 = channels(s.row, p[1], to.inside.y);
        to.a2 = channels(s.row, p[2], to.inside.z);
        to.a3 = channels(s.row, p[3], to.inside.w);
    }
    let at = base + s.column_from;
    to.b0 = gradients(s, at);
    if (BROUGHT > 1u) {
        to.b1 = gradients(s, at + 8u * SLICES / WIDE);
    }
    if (BROUGHT > 2u) {
        to.b2 = gradients(s, at + 16u * SLICES / WIDE);
        to.b3 = gradients(s, at + 24u * SLICES / WIDE);
    }
    return to;
}

// Puts the values of the step from pixel `base` on into workgroup memory.
fn put_down(s: Share, base: u32, end: u32, first_place: Place, step: Load, local: vec3<u32>) {
    let zero = vec4(0.0);
    var a0 = select(zero, step.a0, step.inside.x);
    var a1 = select(zero, step.a1, step.inside.y);
    var a2 = select(zero, step.a2, step.inside.z);
    var a3 = select(zero, step.a3, step.inside.w);
    if (THIN > 0u) {
        let p = pixels(s, base, end, first_place);
        a0 = flattened(s.quad, p[0]);
        a1 = flattened(s.quad, p[1]);
        a2 = flattened(s.quad, p[2]);
        a3 = flattened(s.quad, p[3]);
    }
    rows[local.z][local.y][0][local.x] = a0;
    rows[local.z][local.y][1][local.x] = a1;
    rows[local.z][local.y][2][local.x] = a2;
    rows[local.z][local.y][3][local.x] = a3;
    // A slice of invocations brings pixels of two quads of columns, or two quads of pixels of one.
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

// Adds the products of one pixel: the rows of the first quad by the channels of one or two. The accumulators
// are written out here and below: an array indexed by a loop would leave the registers.
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

// The same for the rows of the second quad.
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

// Adds the products of pixel j of quad q.
fn term(q: u32, j: u32, local: vec3<u32>) {
    let low = columns[q * WIDE][j][local.x];
    var high = low;
    if (WIDE > 1u) {
        high = columns[q * WIDE + 1u][j][local.x];
    }
    add_first(rows[local.z][q * TALL][j][local.y], low, high);
    if (TALL > 1u) {
        add_second(rows[local.z][q * TALL + 1u][j][local.y], low, high);
    }
}

// Adds the products of the four pixels of a quad.
fn multiply(q: u32, local: vec3<u32>) {
    term(q, 0u, local);
    term(q, 1u, local);
    term(q, 2u, local);
    term(q, 3u, local);
}

// Stores one row's channels in a layer of the result: of a split, and in it of a point.
fn put(layer: u32, row: u32, column: u32, low: vec4<f32>, high: vec4<f32>) {
    if (row >= 4u * row_quads()) {
        return;
    }
    let index = (layer * 4u * row_quads() + row) * out_quads() + column;
    if (column < out_quads()) {
        partial[index] = low;
    }
    if ((WIDE > 1u) & (column + 8u < out_quads())) {
        partial[index + 8u] = high;
    }
}

@compute @workgroup_size(8, 8, SLICES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let tiles = (out_quads() + 8u * WIDE - 1u) / (8u * WIDE);
    let linear = group.x + group.y * groups.x;
    let column = linear % tiles * (8u * WIDE);
    let first = linear / tiles * (8u * TALL * SLICES);
    // What this invocation brings in: a quad of rows of its slice, and a quad of columns; the last for those past it.
    let quad = min(first + 8u * (local.z * TALL + local.y % TALL) + local.x, row_quads() - 1u);
    let point = group.z % POINTS;
    let share = Share(
        point,
        quad,
        row(quad / params.in_quads, quad % params.in_quads),
        min(column + index % (8u * WIDE), out_quads() - 1u),
        place(4u * STEP),
        local.y / TALL * 4u,
        index / (8u * WIDE),
    );

    let zero = vec4(0.0);
    acc = array(zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero);
    let begin = group.z / POINTS * params.span;
    let end = min(begin + params.span, params.batch * params.out_height * params.out_width);
    var base = begin;
    var first_place = place(base + share.rows_from);
    var step = bring(share, base, end, first_place);
    while (base < end) {
        put_down(share, base, end, first_place, step, local);
        workgroupBarrier();
        base += 4u * STEP;
        first_place = after(first_place, share.step);
        // After the last step comes nothing: what is past the end counts as outside.
        step = bring(share, base, end, first_place);
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
    }
    let mine = 4u * (first + 8u * TALL * local.z + local.y);
    put(group.z, mine, column + local.x, acc[0], acc[1]);
    put(group.z, mine + 1u, column + local.x, acc[2], acc[3]);
    put(group.z, mine + 2u, column + local.x, acc[4], acc[5]);
    put(group.z, mine + 3u, column + local.x, acc[6], acc[7]);
    if (TALL > 1u) {
        put(group.z, mine + 32u, column + local.x, acc[8], acc[9]);
        put(group.z, mine + 33u, column + local.x, acc[10], acc[11]);
        put(group.z, mine + 34u, column + local.x, acc[12], acc[13]);
        put(group.z, mine + 35u, column + local.x, acc[14], acc[15]);
    }
}
