// conv2d with groups of any size, gradient to the weight: a split sum over pixels for each weight.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, g * IN_G + c] * grad_output[n, y, x, o]
//   g = o / OUT_G; sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP, sx likewise; what lies outside counts as zero
//
// input        [n][IN_H][IN_W][IN_Q] vec4 over channels
// grad_output  [n][OUT_H][OUT_W][OUT_Q] vec4 over output channels
// partial      [split][rows of the weight][OUT_Q] vec4: the weight's layout, once for each split of the sum
//
// An invocation owns one quad of the weight for the output pixels [z * span, (z + 1) * span) of the whole batch;
// neighbours own neighbouring output channels and so read neighbouring gradients. A group's boundaries need not fall
// on quads, so the input is taken channel by channel. common/sum_partials.wgsl joins the splits.

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
override GROUPS: u32 = 1;
override IN_Q: u32 = (IN_C + 3u) / 4u;
override OUT_Q: u32 = (OUT_C + 3u) / 4u;
override IN_G: u32 = IN_C / GROUPS;
override OUT_G: u32 = OUT_C / GROUPS;

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
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

fn lane(pixel: u32, channel: u32) -> f32 {
    return load(input[pixel * IN_Q + channel / 4u])[channel % 4u];
}

// The channel c of the group of each lane of a quad of output channels; first is the group's first channel. Unless
// groups have one output each, the lanes are of two groups at most. Lanes past the last output meet zeros.
fn gathered(pixel: u32, first: vec4<u32>, c: u32) -> vec4<f32> {
    if (OUT_G == 1u) {
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
    let rows = select((IN_G + 3u) / 4u * 4u, IN_G, IN_G < 4u);
    let all_rows = (KERNEL_H * KERNEL_W * rows + 3u) / 4u * 4u;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let row = i / OUT_Q;
    if (row >= all_rows) {
        return;
    }
    let column = i % OUT_Q;
    let tap = row / rows;
    let c = row % rows;
    // The first channel of the group of each lane.
    let first = min((vec4(4u * column) + vec4(0u, 1u, 2u, 3u)) / OUT_G, vec4(GROUPS - 1u)) * IN_G;
    var sum = vec4(0.0);
    // Rows that only pad the weight stay zero.
    if ((tap < KERNEL_H * KERNEL_W) & (c < IN_G)) {
        let begin = group.z * params.span;
        let end = min(begin + params.span, params.batch * OUT_H * OUT_W);
        for (var line = begin / OUT_W; line * OUT_W < end; line++) {
            let n = line / OUT_H;
            let sy = i32(line % OUT_H) * STRIDE_H + i32(tap / KERNEL_W) * DILATION_H - PAD_TOP;
            if ((sy < 0) | (u32(sy) >= IN_H)) {
                continue;
            }
            let last = min(end - line * OUT_W, OUT_W);
            for (var x = max(begin, line * OUT_W) - line * OUT_W; x < last; x++) {
                let sx = i32(x) * STRIDE_W + i32(tap % KERNEL_W) * DILATION_W - PAD_LEFT;
                let inside = (sx >= 0) & (u32(sx) < IN_W);
                let pixel = select(0u, (n * IN_H + u32(sy)) * IN_W + u32(sx), inside);
                let a = select(vec4(0.0), gathered(pixel, first, c), inside);
                sum = fma(a, load(grad_output[(line * OUT_W + x) * OUT_Q + column]), sum);
            }
        }
    }
    partial[(group.z * all_rows + row) * OUT_Q + column] = sum;
}
