// depthwise conv2d of 3 x 3 taps whose columns lie side by side: each channel alone.
//
//   output[n, y, x, c] = bias[c] + sum over ky, kx of input[n, sy, sx, c] * weight[ky][kx][c]
//   sy = y * stride_height + ky * dilation_height - pad_top,   sx = x * STRIDE_W + kx - pad_left
//   what lies outside counts as zero
//
// With FLIP = 1 the taps are taken in the opposite order: then it is the gradient to the input of a convolution of
// stride 1, and the forward pass of conv_transpose2d.
//
// input   [n][in_height][in_width][quads] vec4 over channels
// weight  [3][3][quads] vec4 over channels
// bias    [quads] vec4, read where BIAS is 1
// output  [n][out_height][out_width][quads] vec4
//
// What bounds it is how many quads it reads. A walker is an invocation for each quad of channels. Walkers take strips
// of strip pixels of a row in turn. An invocation holds its nine taps and the three columns of the input under the
// window, and walks to the right: of stride 1 each step reads one column, and of three rows of the output that read a
// quad two find it in a cache. Neighbours own neighbouring quads.

override STRIDE_W: i32 = 1;
override BIAS: u32 = 0;
override FLIP: u32 = 0;

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
    return weight[select(index, 8u - index, FLIP == 1u) * params.quads + q];
}

fn taps(kx: u32, q: u32) -> Column {
    return Column(tap(0u, kx, q), tap(1u, kx, q), tap(2u, kx, q));
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

fn add(sum: vec4<f32>, a: Column, w: Column) -> vec4<f32> {
    return fma(a.bottom, w.bottom, fma(a.middle, w.middle, fma(a.top, w.top, sum)));
}

// What is stored of a finished sum. The lanes past the last channel stay zero, which an activation of 0 need not be.
fn finished(q: u32, sum: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), activate(sum), vec4(4u * q) + vec4(0u, 1u, 2u, 3u) < vec4(params.channels));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + local;
    let q = i % params.quads;
    if (i / params.quads >= params.walkers) {
        return;
    }
    let left_taps = taps(0u, q);
    let middle_taps = taps(1u, q);
    let right_taps = taps(2u, q);
    let start = select(vec4(0.0), bias[select(0u, q, BIAS == 1u)], BIAS == 1u);
    // The strips of a row.
    let strips = (params.out_width + params.strip - 1u) / params.strip;
    for (var strip = i / params.quads; strip < params.batch * params.out_height * strips; strip += params.walkers) {
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
            let sum = add(add(add(start, left, left_taps), middle, middle_taps), right, right_taps);
            output[(row * params.out_width + x) * params.quads + q] = store(finished(q, sum));
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
