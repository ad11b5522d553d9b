// conv2d with groups, gradient to the input: gathered over the outputs that an input pixel feeds.
//
//   grad_input[n, iy, ix, g * IN_G + c] = sum over ky, kx, o of group g of
//       grad_output[n, y, x, o] * weight[ky][kx][c][o]
//   y = (iy + PAD_TOP - ky * DILATION_H) / STRIDE_H, where that is whole and inside the output; x likewise
//
// grad_output  [n][OUT_H][OUT_W][OUT_Q] vec4 over output channels
// weight       [KERNEL_H][KERNEL_W][rows][OUT_Q] vec4 over output channels, as in forward_grouped.wgsl
// grad_input   [n][IN_H][IN_W][IN_Q] vec4 over channels
//
// An invocation owns one quad of the input's gradient; nothing is scattered, so nothing races. The lanes of a
// quad may belong to different groups, so each is summed for itself.

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
}

@group(0) @binding(0) var<storage, read> grad_output: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> grad_input: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

// The sum over the outputs of one group, under one tap.
fn channel(pixel: u32, tap: u32, channel: u32) -> f32 {
    if (channel >= IN_C) {
        return 0.0;
    }
    let out_q = (OUT_C + 3u) / 4u;
    let in_g = IN_C / GROUPS;
    let out_g = OUT_C / GROUPS;
    let rows = select((in_g + 3u) / 4u * 4u, in_g, in_g < 4u);
    let row = tap * rows + channel % in_g;
    let first = channel / in_g * out_g;
    var sum = 0.0;
    for (var o = first; o < first + out_g; o++) {
        sum = fma(grad_output[pixel * out_q + o / 4u][o % 4u], weight[row * out_q + o / 4u][o % 4u], sum);
    }
    return sum;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let in_q = (IN_C + 3u) / 4u;
    let i = (group.x + group.y * groups.x) * 64u + local;
    if (i >= params.batch * IN_H * IN_W * in_q) {
        return;
    }
    let c = 4u * (i % in_q);
    let ix = i / in_q % IN_W;
    let iy = i / (in_q * IN_W) % IN_H;
    let n = i / (in_q * IN_W * IN_H);
    var sum = vec4(0.0);
    for (var ky = 0u; ky < KERNEL_H; ky++) {
        let ty = i32(iy) + PAD_TOP - i32(ky) * DILATION_H;
        let y = u32(ty / STRIDE_H);
        if (ty < 0 || ty % STRIDE_H != 0 || y >= OUT_H) {
            continue;
        }
        for (var kx = 0u; kx < KERNEL_W; kx++) {
            let tx = i32(ix) + PAD_LEFT - i32(kx) * DILATION_W;
            let x = u32(tx / STRIDE_W);
            if (tx < 0 || tx % STRIDE_W != 0 || x >= OUT_W) {
                continue;
            }
            let pixel = (n * OUT_H + y) * OUT_W + x;
            let tap = ky * KERNEL_W + kx;
            sum += vec4(
                channel(pixel, tap, c),
                channel(pixel, tap, c + 1u),
                channel(pixel, tap, c + 2u),
                channel(pixel, tap, c + 3u),
            );
        }
    }
    grad_input[i] = sum;
}
