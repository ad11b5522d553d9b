// depthwise conv2d of 3 x 3 taps whose columns lie side by side, gradient to the weight: a split sum over pixels.
//
//   grad_weight[ky][kx][c] = sum over n, y, x of input[n, sy, sx, c] * grad_output[n, y, x, c]
//   sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP,   sx = x * STRIDE_W + kx - PAD_LEFT; what lies outside counts as zero
//
// input        [n][IN_H][IN_W][Q] vec4 over channels
// grad_output  [n][OUT_H][OUT_W][Q] vec4
// partial      [walker][12][Q] vec4: the weight's layout, once for each part of the sum; nine taps, rounded up to whole
//              quads
//
// A walker is Q invocations, one for each quad of channels, which take strips of STRIP pixels of a row in turn. An
// invocation sums all nine taps, and walks to the right with the three columns of the input under the window: a step
// reads one quad of the gradient and, of stride 1, one column (see depthwise_rows.wgsl). common/sum_partials.wgsl joins
// the parts.

override IN_H: u32 = 1;
override IN_W: u32 = 1;
override OUT_H: u32 = 1;
override OUT_W: u32 = 1;
override OUT_C: u32 = 4;
override STRIDE_H: i32 = 1;
override STRIDE_W: i32 = 1;
override DILATION_H: i32 = 1;
override PAD_TOP: i32 = 0;
override PAD_LEFT: i32 = 0;
override STRIP: u32 = 1;
override Q: u32 = (OUT_C + 3u) / 4u;
// The strips of a row.
override STRIPS: u32 = (OUT_W + STRIP - 1u) / STRIP;

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
    return Row((n * IN_H + u32(y)) * IN_W * Q + q, u32(y) < IN_H);
}

// There is no branch: what lies outside reads something else, which is not taken.
fn pixel(row: Row, x: i32) -> vec4<f32> {
    let inside = row.exists & (u32(x) < IN_W);
    return select(vec4(0.0), load(input[select(0u, row.start + u32(x) * Q, inside)]), inside);
}

fn column_at(rows: Rows, x: i32) -> Column {
    return Column(pixel(rows.top, x), pixel(rows.middle, x), pixel(rows.bottom, x));
}

fn add(sum: Column, a: Column, d: vec4<f32>) -> Column {
    return Column(fma(a.top, d, sum.top), fma(a.middle, d, sum.middle), fma(a.bottom, d, sum.bottom));
}

fn put(walker: u32, tap: u32, q: u32, sum: vec4<f32>) {
    partial[(walker * 12u + tap) * Q + q] = sum;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + local;
    let q = i % Q;
    let walker = i / Q;
    if (walker >= params.walkers) {
        return;
    }
    let zero = vec4(0.0);
    var left_sums = Column(zero, zero, zero);
    var middle_sums = left_sums;
    var right_sums = left_sums;
    for (var strip = walker; strip < params.batch * OUT_H * STRIPS; strip += params.walkers) {
        let row = strip / STRIPS;
        let n = row / OUT_H;
        let sy = i32(row % OUT_H) * STRIDE_H - PAD_TOP;
        let rows = Rows(row_at(n, sy, q), row_at(n, sy + DILATION_H, q), row_at(n, sy + 2 * DILATION_H, q));
        let first = strip % STRIPS * STRIP;
        let end = min(first + STRIP, OUT_W);
        var sx = i32(first) * STRIDE_W - PAD_LEFT;
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
            let d = load(grad_output[(row * OUT_W + x) * Q + q]);
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
