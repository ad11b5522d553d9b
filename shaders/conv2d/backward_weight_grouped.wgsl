// conv2d with groups of any size, gradient to the weight: a split sum over pixels for each weight.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, g * in_group + c] * grad_output[n, y, x, o]
//   g = o / out_group; sy = y * stride_height + ky * dilation_height - pad_top, sx likewise
//   what lies outside counts as zero
//
// input        [n][in_height][in_width][in_quads] vec4 over channels
// grad_output  [n][out_height][out_width][out_quads] vec4 over output channels
// partial      [split][rows of the weight][out_quads] vec4: the weight's layout, once for each split of the sum
//
// An invocation owns one quad of the weight for the output pixels [z * span, (z + 1) * span) of the whole batch;
// neighbours own neighbouring output channels and so read neighbouring gradients. A group's boundaries need not fall
// on quads, so the input is taken channel by channel. common/sum_partials.wgsl joins the splits.
// Whether a group has one output channel.
override ALONE: bool = false;

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

fn lane(pixel: u32, channel: u32) -> f32 {
    return load(input[pixel * params.in_quads + channel / 4u])[channel % 4u];
}

// The channel c of the group of each lane of a quad of output channels; first is the group's first channel. Unless
// groups have one output each, the lanes are of two groups at most. Lanes past the last output meet zeros.
fn gathered(pixel: u32, first: vec4<u32>, c: u32) -> vec4<f32> {
    if (ALONE) {
        let at = first + c;
        return vec4(lane(pixel, at.x), lane(pixel, at.y), lane(pixel, at.z), lane(pixel, at.w));
    }
    return select(vec4(lane(pixel, first.x + c)), vec4(lane(pixel, first.w + c)), first != vec4(first.x));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let rows = select((params.in_group + 3u) / 4u * 4u, params.in_group, params.in_group < 4u);
    let all_rows = (params.kernel_height * params.kernel_width * rows + 3u) / 4u * 4u;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let row = i / out_quads();
    if (row >= all_rows) {
        return;
    }
    let column = i % out_quads();
    let tap = row / rows;
    let c = row % rows;
    // The first channel of the group of each lane.
    let last_group = params.out_channels / params.out_group - 1u;
    let group_of = min((vec4(4u * column) + vec4(0u, 1u, 2u, 3u)) / params.out_group, vec4(last_group));
    let first = group_of * params.in_group;
    // Where the tap lies beside a pixel's window.
    let above = i32(tap / params.kernel_width) * params.dilation_height - params.pad_top;
    let before = i32(tap % params.kernel_width) * params.dilation_width - params.pad_left;
    var sum = vec4(0.0);
    // Rows that only pad the weight stay zero.
    if ((tap < params.kernel_height * params.kernel_width) & (c < params.in_group)) {
        let begin = group.z * params.span;
        let end = min(begin + params.span, params.batch * params.out_height * params.out_width);
        for (var line = begin / params.out_width; line * params.out_width < end; line++) {
            let n = line / params.out_height;
            let sy = i32(line % params.out_height) * params.stride_height + above;
            if ((sy < 0) | (u32(sy) >= params.in_height)) {
                continue;
            }
            let last = min(end - line * params.out_width, params.out_width);
            for (var x = max(begin, line * params.out_width) - line * params.out_width; x < last; x++) {
                let sx = i32(x) * params.stride_width + before;
                let inside = (sx >= 0) & (u32(sx) < params.in_width);
                let pixel = select(0u, (n * params.in_height + u32(sy)) * params.in_width + u32(sx), inside);
                let a = select(vec4(0.0), gathered(pixel, first, c), inside);
                sum = fma(a, load(grad_output[(line * params.out_width + x) * out_quads() + column]), sum);
            }
        }
    }
    partial[(group.z * all_rows + row) * out_quads() + column] = sum;
}
