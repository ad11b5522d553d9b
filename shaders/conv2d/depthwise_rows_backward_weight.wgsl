// depthwise conv2d of 3 x 3 taps whose columns lie side by side, gradient to the weight: a split sum over pixels.
//
//   grad_weight[ky][kx][c] = sum over n, y, x of input[n, sy, sx, c] * grad_output[n, y, x, c]
//   sy = y * stride_height + ky * dilation_height - pad_top,   sx = x * STRIDE_W + kx - pad_left
//   what lies outside counts as zero
//
// input        [n][in_height][in_width][quads] vec4 over channels
// grad_output  [n][out_height][out_width][quads] vec4
// partial      [walker][12][quads] vec4: the weight's layout, once for each part of the sum; nine taps, rounded up to whole
//              quads
//
// A walker is an invocation for each quad of channels. Walkers take strips of a row in turn. An
// invocation sums all nine taps, and walks to the right with the three columns of the input under the window: a step
// reads one quad of the gradient and, of stride 1, one column (see depthwise_rows.wgsl). common/sum_partials.wgsl joins
// the parts.

override STRIDE_W: i32 = 1;

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
    // How many walkers there are.
    walkers: u32,
    // The pixels of a strip of a row.
    strip: u32,
    channels: u32,
    // Quads of channels.
    quads: u32,
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    stride_height: i32,
    dilation_height: i32,
    pad_top: i32,
    pad_left: i32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

// A column of the window, or of the sums of its taps.
struct Column {
    top: vec4<f32>,
    middle: vec4<f32>,
    bottom: vec4<f32>,
}

// Where a quad of a row's first pixel lies, and whether there is such a row.
struct Row {
    start: u32,
    exists: bool,
}

struct Rows {
    top: Row,
    middle: Row,
    bottom: Row,
}

// A row of a sample. Above the image y is negative, and larger than any as a number without sign.
fn row_at(n: u32, y: i32, q: u32) -> Row {
    return Row((n * params.in_height + u32(y)) * params.in_width * params.quads + q, u32(y) < params.in_height);
}

// There is no branch: what lies outside reads something else, which is not taken.
fn pixel(row: Row, x: i32) -> vec4<f32> {
    let inside = row.exists & (u32(x) < params.in_width);
    return select(vec4(0.0), load(input[select(0u, row.start + u32(x) * params.quads, inside)]), inside);
}

fn column_at(rows: Rows, x: i32) -> Column {
    return Column(pixel(rows.top, x), pixel(rows.middle, x), pixel(rows.bottom, x));
}

fn add(sum: Column, a: Column, d: vec4<f32>) -> Column {
    return Column(fma(a.top, d, sum.top), fma(a.middle, d, sum.middle), fma(a.bottom, d, sum.bottom));
}

fn put(walker: u32, tap: u32, q: u32, sum: vec4<f32>) {
    partial[(walker * 12u + tap) * params.quads + q] = sum;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + local;
    let q = i % params.quads;
    let walker = i / params.quads;
    if (walker >= params.walkers) {
        return;
    }
    let zero = vec4(0.0);
    var left_sums = Column(zero, zero, zero);
    var middle_sums = left_sums;
    var right_sums = left_sums;
    // The strips of a row.
    let strips = (params.out_width + params.strip - 1u) / params.strip;
    for (var strip = walker; strip < params.batch * params.out_height * strips; strip += params.walkers) {
        let row = strip / strips;
        let n = row / params.out_height;
        let sy = i32(row % params.out_height) * params.stride_height - params.pad_top;
        let down = params.dilation_height;
        let rows = Rows(row_at(n, sy, q), row_at(n, sy + down, q), row_at(n, sy + 2 * down, q));
        let first = strip % strips * params.strip;
        let end = min(first + params.strip, params.out_width);
        var sx = i32(first) * STRIDE_W - params.pad_left;
        var left = column_at(rows, sx);
        var middle = left;
        if (STRIDE_W == 1) {
            middle = column_at(rows, sx + 1);
        }
        for (var x = first; x < end; x++) {
            if (STRIDE_W > 1) {
                middle = column_at(rows, sx + 1);
            }
            let right = column_at(rows, sx + 2);
            let d = load(grad_output[(row * params.out_width + x) * params.quads + q]);
            left_sums = add(left_sums, left, d);
            middle_sums = add(middle_sums, middle, d);
            right_sums = add(right_sums, right, d);
            sx += STRIDE_W;
            if (STRIDE_W == 1) {
                left = middle;
                middle = right;
            } else if (STRIDE_W == 2) {
                left = right;
            } else {
                left = column_at(rows, sx);
            }
        }
    }
    put(walker, 0u, q, left_sums.top);
    put(walker, 1u, q, middle_sums.top);
    put(walker, 2u, q, right_sums.top);
    put(walker, 3u, q, left_sums.middle);
    put(walker, 4u, q, middle_sums.middle);
    put(walker, 5u, q, right_sums.middle);
    put(walker, 6u, q, left_sums.bottom);
    put(walker, 7u, q, middle_sums.bottom);
    put(walker, 8u, q, right_sums.bottom);
    // What is past the taps only pads the weight.
    put(walker, 9u, q, zero);
    put(walker, 10u, q, zero);
    put(walker, 11u, q, zero);
}
