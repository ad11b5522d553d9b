// depthwise conv2d of 3 x 3 taps whose columns lie side by side: each channel alone.
//
//   output[n, y, x, c] = bias[c] + sum over ky, kx of input[n, sy, sx, c] * weight[ky][kx][c]
//   sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP,   sx = x * STRIDE_W + kx - PAD_LEFT; what lies outside counts as zero
//
// With FLIP = 1 the taps are taken in the opposite order: then it is the gradient to the input of a convolution of
// stride 1, and the forward pass of conv_transpose2d.
//
// input   [n][IN_H][IN_W][Q] vec4 over channels
// weight  [3][3][Q] vec4 over channels
// bias    [Q] vec4, read where BIAS is 1
// output  [n][OUT_H][OUT_W][Q] vec4
//
// What bounds it is how many quads it reads. A walker is Q invocations, one for each quad of channels, which take strips
// of STRIP pixels of a row in turn. An invocation holds its nine taps and the three columns of the input under the
// window, and walks to the right: of stride 1 each step reads one column, and of three rows of the output that read a
// quad two find it in a cache. Neighbours own neighbouring quads.

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
override BIAS: u32 = 0;
override FLIP: u32 = 0;
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

// section activation: what the scheduler fuses into the store. Another function is put here.
fn activate(x: vec4<f32>) -> vec4<f32> {
    return x;
}
// end activation

struct Params {
    // The number of samples.
    batch: u32,
    // How many walkers there are.
    walkers: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Quad>;
@group(0) @binding(4) var<uniform> params: Params;

// A column of the window, or of the taps.
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

fn tap(ky: u32, kx: u32, q: u32) -> vec4<f32> {
    let index = 3u * ky + kx;
    return weight[select(index, 8u - index, FLIP == 1u) * Q + q];
}

fn taps(kx: u32, q: u32) -> Column {
    return Column(tap(0u, kx, q), tap(1u, kx, q), tap(2u, kx, q));
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

fn add(sum: vec4<f32>, a: Column, w: Column) -> vec4<f32> {
    return fma(a.bottom, w.bottom, fma(a.middle, w.middle, fma(a.top, w.top, sum)));
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(q: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * q) + vec4(0u, 1u, 2u, 3u) < vec4(OUT_C));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + local;
    let q = i % Q;
    if (i / Q >= params.walkers) {
        return;
    }
    let left_taps = taps(0u, q);
    let middle_taps = taps(1u, q);
    let right_taps = taps(2u, q);
    let start = select(vec4(0.0), bias[select(0u, q, BIAS == 1u)], BIAS == 1u);
    for (var strip = i / Q; strip < params.batch * OUT_H * STRIPS; strip += params.walkers) {
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
            let sum = add(add(add(start, left, left_taps), middle, middle_taps), right, right_taps);
            output[(row * OUT_W + x) * Q + q] = store(finished(q, sum));
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
}
