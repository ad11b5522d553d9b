// conv2d with groups, gradient to the weight, where the channels of a group are whole quads on both sides.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, g * in_group + c] * grad_output[n, y, x, o]
//   g = o / out_group; sy = y * stride_height + ky * dilation_height - pad_top, sx likewise
//   what lies outside counts as zero
//
// input        [n][in_height][in_width][in_quads] vec4 over channels
// grad_output  [n][out_height][out_width][out_quads] vec4 over output channels
// partial      [split][kernel_height][kernel_width][in_group][out_quads] vec4: the weight's layout, once for each split of
//              the sum
//
// An invocation owns four row quads (16 rows of the weight's matrix, a row being one channel of a group under one tap)
// of one column quad, for the output pixels [z * span, (z + 1) * span) of the whole batch: five loads feed 64
// multiply-adds. Neighbours own neighbouring columns and so read neighbouring gradients.
// common/sum_partials.wgsl joins the splits.

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
    // The channels of a group on either side.
    in_group: u32,
    out_group: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

// Quads of channels of the output.
fn out_quads() -> u32 {
    return (params.out_channels + 3u) / 4u;
}

const OUTSIDE: u32 = 0xffffffffu;

// A quad of rows of the weight's matrix: the offset of its tap from a pixel's first, and its quad of channels.
struct Row {
    y: i32,
    x: i32,
    quad: u32,
    valid: bool,
}

fn row_of(quad: u32, first: u32) -> Row {
    let tap = quad / (params.in_group / 4u);
    let y = i32(tap / params.kernel_width) * params.dilation_height - params.pad_top;
    let x = i32(tap % params.kernel_width) * params.dilation_width - params.pad_left;
    return Row(y, x, first + quad % (params.in_group / 4u), tap < params.kernel_height * params.kernel_width);
}

// What a row has of an output line: where its first quad lies, in which column, and whether in the image at all.
struct Line {
    at: u32,
    x: i32,
    inside: bool,
}

fn line_of(row: Row, sample: u32, y: u32) -> Line {
    let sy = u32(i32(y) * params.stride_height + row.y);
    let pixel = (sample * params.in_height + sy) * params.in_width + u32(row.x);
    return Line(pixel * params.in_quads + row.quad, row.x, row.valid & (sy < params.in_height));
}

// Its quad for an output pixel whose window begins in column x of the input, but for the padding.
fn channels(line: Line, x: u32) -> vec4<f32> {
    let inside = line.inside & (u32(i32(x) + line.x) < params.in_width);
    return select(vec4(0.0), load(input[select(0u, line.at + x * params.in_quads, inside)]), inside);
}

fn put(row: u32, column: u32, split: u32, sum: vec4<f32>) {
    let rows = params.kernel_height * params.kernel_width * params.in_group;
    if (row < rows) {
        partial[(split * rows + row) * out_quads() + column] = sum;
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + local;
    let column = i % out_quads();
    let quad = i / out_quads() * 4u;
    let first = 4u * column / params.out_group * (params.in_group / 4u);
    let r0 = row_of(quad, first);
    let r1 = row_of(quad + 1u, first);
    let r2 = row_of(quad + 2u, first);
    let r3 = row_of(quad + 3u, first);
    if (!r0.valid) {
        return;
    }
    var acc0 = vec4(0.0);
    var acc1 = vec4(0.0);
    var acc2 = vec4(0.0);
    var acc3 = vec4(0.0);
    var acc4 = vec4(0.0);
    var acc5 = vec4(0.0);
    var acc6 = vec4(0.0);
    var acc7 = vec4(0.0);
    var acc8 = vec4(0.0);
    var acc9 = vec4(0.0);
    var acc10 = vec4(0.0);
    var acc11 = vec4(0.0);
    var acc12 = vec4(0.0);
    var acc13 = vec4(0.0);
    var acc14 = vec4(0.0);
    var acc15 = vec4(0.0);
    let begin = group.z * params.span;
    let end = min(begin + params.span, params.batch * params.out_height * params.out_width);
    for (var line = begin / params.out_width; line * params.out_width < end; line++) {
        let n = line / params.out_height;
        let y = line % params.out_height;
        let last = min(end - line * params.out_width, params.out_width);
        let l0 = line_of(r0, n, y);
        let l1 = line_of(r1, n, y);
        let l2 = line_of(r2, n, y);
        let l3 = line_of(r3, n, y);
        for (var x = max(begin, line * params.out_width) - line * params.out_width; x < last; x++) {
            let d = load(grad_output[(line * params.out_width + x) * out_quads() + column]);
            let a0 = channels(l0, x * u32(params.stride_width));
            let a1 = channels(l1, x * u32(params.stride_width));
            let a2 = channels(l2, x * u32(params.stride_width));
            let a3 = channels(l3, x * u32(params.stride_width));
            acc0 = fma(vec4(a0.x), d, acc0);
            acc1 = fma(vec4(a0.y), d, acc1);
            acc2 = fma(vec4(a0.z), d, acc2);
            acc3 = fma(vec4(a0.w), d, acc3);
            acc4 = fma(vec4(a1.x), d, acc4);
            acc5 = fma(vec4(a1.y), d, acc5);
            acc6 = fma(vec4(a1.z), d, acc6);
            acc7 = fma(vec4(a1.w), d, acc7);
            acc8 = fma(vec4(a2.x), d, acc8);
            acc9 = fma(vec4(a2.y), d, acc9);
            acc10 = fma(vec4(a2.z), d, acc10);
            acc11 = fma(vec4(a2.w), d, acc11);
            acc12 = fma(vec4(a3.x), d, acc12);
            acc13 = fma(vec4(a3.y), d, acc13);
            acc14 = fma(vec4(a3.z), d, acc14);
            acc15 = fma(vec4(a3.w), d, acc15);
        }
    }
    put(4u * quad, column, group.z, acc0);
    put(4u * quad + 1u, column, group.z, acc1);
    put(4u * quad + 2u, column, group.z, acc2);
    put(4u * quad + 3u, column, group.z, acc3);
    put(4u * quad + 4u, column, group.z, acc4);
    put(4u * quad + 5u, column, group.z, acc5);
    put(4u * quad + 6u, column, group.z, acc6);
    put(4u * quad + 7u, column, group.z, acc7);
    put(4u * quad + 8u, column, group.z, acc8);
    put(4u * quad + 9u, column, group.z, acc9);
    put(4u * quad + 10u, column, group.z, acc10);
    put(4u * quad + 11u, column, group.z, acc11);
    put(4u * quad + 12u, column, group.z, acc12);
    put(4u * quad + 13u, column, group.z, acc13);
    put(4u * quad + 14u, column, group.z, acc14);
    put(4u * quad + 15u, column, group.z, acc15);
}
