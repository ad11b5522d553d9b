// conv2d with groups, gradient to the weight: a split sum over pixels for each weight.
//
//   grad_weight[ky][kx][c][o] = sum over n, y, x of input[n, sy, sx, g * IN_G + c] * grad_output[n, y, x, o]
//   g = o / OUT_G; sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP, sx likewise; what lies outside counts as zero
//
// input        [n][IN_H][IN_W][IN_Q] vec4 over channels
// grad_output  [n][OUT_H][OUT_W][OUT_Q] vec4 over output channels
// partial      [split][rows of the weight][OUT_Q] vec4: the weight's layout, once for each split of the sum
//
// An invocation owns one quad of the weight for one split of the sum over pixels: some image rows of the whole batch,
// or some columns of one row. Neighbours own neighbouring output channels and so read neighbouring gradients.
// common/sum_partials.wgsl joins the splits.

override IN_H: u32 = 1;
override IN_W: u32 = 1;
override IN_C: u32 = 4;
override OUT_H: u32 = 1;
override OUT_W: u32 = 1;
override OUT_C: u32 = 4;
override GROUPS: u32 = 1;
override KERNEL_H: u32 = 1;
override KERNEL_W: u32 = 1;
override STRIDE_H: i32 = 1;
override STRIDE_W: i32 = 1;
override DILATION_H: i32 = 1;
override DILATION_W: i32 = 1;
override PAD_TOP: i32 = 0;
override PAD_LEFT: i32 = 0;

struct Params {
    // The number of samples.
    batch: u32,
    // How many image rows of the output one split sums; one where it sums only part of a row.
    lines: u32,
    // How many columns of them.
    columns: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> grad_output: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

// Channel c of the group of output channel o, at an input pixel. Lanes past the last channel meet zero gradients.
fn channel(pixel: u32, o: u32, c: u32) -> f32 {
    let at = min(o / (OUT_C / GROUPS) * (IN_C / GROUPS) + c, IN_C - 1u);
    return input[pixel * ((IN_C + 3u) / 4u) + at / 4u][at % 4u];
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let out_q = (OUT_C + 3u) / 4u;
    let in_g = IN_C / GROUPS;
    let rows = select((in_g + 3u) / 4u * 4u, in_g, in_g < 4u);
    let all_rows = (KERNEL_H * KERNEL_W * rows + 3u) / 4u * 4u;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let row = i / out_q;
    if (row >= all_rows) {
        return;
    }
    let q = i % out_q;
    let tap = row / rows;
    let c = row % rows;
    var sum = vec4(0.0);
    // Rows that only pad the weight stay zero.
    if (tap < KERNEL_H * KERNEL_W && c < in_g) {
        let pieces = (OUT_W + params.columns - 1u) / params.columns;
        let begin = group.z / pieces * params.lines;
        let end = min(begin + params.lines, params.batch * OUT_H);
        let left = group.z % pieces * params.columns;
        let right = min(left + params.columns, OUT_W);
        for (var line = begin; line < end; line++) {
            let n = line / OUT_H;
            let sy = i32(line % OUT_H) * STRIDE_H + i32(tap / KERNEL_W) * DILATION_H - PAD_TOP;
            if (sy < 0 || u32(sy) >= IN_H) {
                continue;
            }
            for (var x = left; x < right; x++) {
                let sx = i32(x) * STRIDE_W + i32(tap % KERNEL_W) * DILATION_W - PAD_LEFT;
                if (sx < 0 || u32(sx) >= IN_W) {
                    continue;
                }
                let pixel = (n * IN_H + u32(sy)) * IN_W + u32(sx);
                let a = vec4(
                    channel(pixel, 4u * q, c),
                    channel(pixel, 4u * q + 1u, c),
                    channel(pixel, 4u * q + 2u, c),
                    channel(pixel, 4u * q + 3u, c),
                );
                sum = fma(a, grad_output[(line * OUT_W + x) * out_q + q], sum);
            }
        }
    }
    partial[(group.z * all_rows + row) * out_q + q] = sum;
}
