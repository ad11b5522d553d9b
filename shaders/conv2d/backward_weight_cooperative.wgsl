// conv2d, gradient to the weight: on the device's matrix units.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, c] * grad_output[n, y, x, o]
//   sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP,   sx likewise; what lies outside counts as zero
//
// The layout of the bindings is that of backward_weight_subgroup.wgsl: the two compute the same, but for inputs of four
// channels or more, and from factors that are rounded to f16 on their way. Activations are stored so in any case.
//
// A workgroup is four subgroups of LANES invocations. It owns 4 * SIZE rows of the weight's matrix (a row being one
// channel under one tap) by 4 * SIZE output channels, of which each subgroup has a quarter, and the output pixels
// [z * span, (z + 1) * span) of the whole batch. Why the tile is that size, and how it lies in workgroup memory, is said
// in forward_cooperative.wgsl. Here a step takes STEP quads of pixels, and blocks of both images are turned round: an
// invocation brings in the same quad of pixels for one quad of channels after another. common/sum_partials.wgsl joins
// the splits.

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
override OUT_Q: u32 = (OUT_C + 3u) / 4u;
// The invocations of a subgroup, and of a workgroup.
override LANES: u32 = 32;
override INVOCATIONS: u32 = 4u * LANES;

// Quads of a pixel, and of the rows of the weight's matrix.
override IN_Q: u32 = (IN_C + 3u) / 4u;
override ROW_Q: u32 = KERNEL_H * KERNEL_W * IN_Q;
// Whether a tap may lie outside the image.
override PADDED: bool = PAD_TOP > 0 || PAD_LEFT > 0
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

// section matrix: the matrices of the device. Those of another size are put here.
const SIZE: u32 = 16;
alias MatrixA = coop_mat16x16<f16, A>;
alias MatrixB = coop_mat16x16<f16, B>;
alias MatrixC = coop_mat16x16<f32, C>;
// end matrix

// Quads in a row of a matrix, and in a row of the tile.
const SIZE_Q: u32 = SIZE / 4u;
const TILE_Q: u32 = SIZE;
// Rows of the tile, and output channels.
const TILE: u32 = 4u * SIZE;
// Quads of pixels in a step.
const STEP: u32 = SIZE / 2u;
// Quads from one row, or output channel, to the next in workgroup memory.
const PITCH: u32 = STEP + 2u;

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

// A row of the weight's matrix: where its tap lies from a pixel's first, and its quad of channels.
struct Row {
    y: i32,
    x: i32,
    quad: u32,
}

// An output pixel: its sample, and where its window begins but for the padding.
struct Pixel {
    sample: u32,
    y: i32,
    x: i32,
    inside: bool,
}

// rows[row][quad of pixels], columns[output channel][quad of pixels].
var<workgroup> rows: array<vec4<f16>, TILE * PITCH>;
var<workgroup> columns: array<vec4<f16>, TILE * PITCH>;
// The quads of rows of the tile.
var<workgroup> quads: array<Row, TILE_Q>;
// The matrix of each subgroup that is on its way out.
var<workgroup> sums: array<vec4<f32>, 4u * SIZE * SIZE_Q>;

fn row(tap: u32, quad: u32) -> Row {
    let y = i32(tap / KERNEL_W) * DILATION_H - PAD_TOP;
    let x = i32(tap % KERNEL_W) * DILATION_W - PAD_LEFT;
    return Row(y, x, quad);
}

fn pixel(index: u32, end: u32) -> Pixel {
    let y = i32(index / OUT_W % OUT_H) * STRIDE_H;
    let x = i32(index % OUT_W) * STRIDE_W;
    return Pixel(index / (OUT_W * OUT_H), y, x, index < end);
}

fn meets(r: Row, p: Pixel) -> bool {
    let inside = (u32(p.y + r.y) < IN_H) & (u32(p.x + r.x) < IN_W);
    return p.inside & (!PADDED | inside);
}

// The channels of a row's tap at a pixel, zero outside.
fn channels(r: Row, p: Pixel) -> vec4<f16> {
    let inside = meets(r, p);
    let source = (p.sample * IN_H + u32(p.y + r.y)) * IN_W + u32(p.x + r.x);
    return select(vec4<f16>(), vec4<f16>(load(input[select(0u, source * IN_Q + r.quad, inside)])), inside);
}

// A quad of grad_output, zero past the last pixel.
fn gradients(index: u32, end: u32, column: u32) -> vec4<f16> {
    let inside = index < end;
    let quad = load(grad_output[select(0u, index * OUT_Q + column, inside)]);
    return select(vec4<f16>(), vec4<f16>(quad), inside);
}

// Brings the step from pixel `base` on into workgroup memory. Neighbours bring neighbouring quads of pixels.
fn bring(base: u32, end: u32, first_column: u32, index: u32) {
    let first = base + 4u * (index % STEP);
    let p0 = pixel(first, end);
    let p1 = pixel(first + 1u, end);
    let p2 = pixel(first + 2u, end);
    let p3 = pixel(first + 3u, end);
    for (var c = index / STEP; c < TILE_Q; c += INVOCATIONS / STEP) {
        let r = quads[c];
        let column = min(first_column + c, OUT_Q - 1u);
        let a = transpose(mat4x4(channels(r, p0), channels(r, p1), channels(r, p2), channels(r, p3)));
        let b0 = gradients(first, end, column);
        let b1 = gradients(first + 1u, end, column);
        let b2 = gradients(first + 2u, end, column);
        let b3 = gradients(first + 3u, end, column);
        let b = transpose(mat4x4(b0, b1, b2, b3));
        let at = 4u * c * PITCH + index % STEP;
        rows[at] = a[0];
        rows[at + PITCH] = a[1];
        rows[at + 2u * PITCH] = a[2];
        rows[at + 3u * PITCH] = a[3];
        columns[at] = b[0];
        columns[at + PITCH] = b[1];
        columns[at + 2u * PITCH] = b[2];
        columns[at + 3u * PITCH] = b[3];
    }
}

// Stores one matrix of each subgroup: the rows from first_row on, the quads of channels from first_column on.
fn put_matrix(matrix: MatrixC, lane: u32, subgroup: u32, split: u32, first_row: u32, first_column: u32) {
    coopStoreT(matrix, &sums[subgroup * SIZE * SIZE_Q], SIZE_Q);
    workgroupBarrier();
    for (var i = lane; i < SIZE * SIZE_Q; i += LANES) {
        let row = first_row + i / SIZE_Q;
        let column = first_column + i % SIZE_Q;
        if ((row < 4u * ROW_Q) & (column < OUT_Q)) {
            partial[(split * 4u * ROW_Q + row) * OUT_Q + column] = sums[subgroup * SIZE * SIZE_Q + i];
        }
    }
    workgroupBarrier();
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
    let first = linear / tiles * TILE_Q;
    for (var c = index; c < TILE_Q; c += INVOCATIONS) {
        // Past the last it is the last, and not stored.
        let quad = min(first + c, ROW_Q - 1u);
        quads[c] = row(quad / IN_Q, quad % IN_Q);
    }
    workgroupBarrier();

    // The quarter of this subgroup.
    let quarter = subgroup / 2u * 2u * SIZE;
    let column = subgroup % 2u * 2u * SIZE;
    var sum00 = MatrixC();
    var sum01 = MatrixC();
    var sum10 = MatrixC();
    var sum11 = MatrixC();
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.batch * OUT_H * OUT_W);
    for (var base = begin; base < end; base += 4u * STEP) {
        bring(base, end, first_column, index);
        workgroupBarrier();
        for (var d = 0u; d < 2u; d++) {
            let a0 = coopLoadT<MatrixA>(&rows[quarter * PITCH + d * SIZE_Q], PITCH);
            let a1 = coopLoadT<MatrixA>(&rows[(quarter + SIZE) * PITCH + d * SIZE_Q], PITCH);
            let b0 = coopLoad<MatrixB>(&columns[column * PITCH + d * SIZE_Q], PITCH);
            let b1 = coopLoad<MatrixB>(&columns[(column + SIZE) * PITCH + d * SIZE_Q], PITCH);
            sum00 = coopMultiplyAdd(a0, b0, sum00);
            sum01 = coopMultiplyAdd(a0, b1, sum01);
            sum10 = coopMultiplyAdd(a1, b0, sum10);
            sum11 = coopMultiplyAdd(a1, b1, sum11);
        }
        workgroupBarrier();
    }
    let first_row = 4u * first + quarter;
    let low = first_column + column / 4u;
    put_matrix(sum00, lane, subgroup, group.z, first_row, low);
    put_matrix(sum01, lane, subgroup, group.z, first_row, low + SIZE_Q);
    put_matrix(sum10, lane, subgroup, group.z, first_row + SIZE, low);
    put_matrix(sum11, lane, subgroup, group.z, first_row + SIZE, low + SIZE_Q);
}
