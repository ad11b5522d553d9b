// conv2d with groups, forward: each output channel sees the input channels of its group.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx, c of input[n, sy, sx, g * IN_G + c] * weight[ky][kx][c][o]
//   g = o / OUT_G,   IN_G = IN_C / GROUPS,   OUT_G = OUT_C / GROUPS
//   sy = y * STRIDE_H + ky * DILATION_H - PAD_TOP,   sx likewise; what lies outside counts as zero
//
// input   [n][IN_H][IN_W][IN_Q] vec4 over channels
// weight  [KERNEL_H][KERNEL_W][rows][OUT_Q] vec4 over output channels; rows = IN_G, padded to whole quads
//         unless there are one to three
// bias    [OUT_Q] vec4, read where BIAS is 1
// output  [n][OUT_H][OUT_W][OUT_Q] vec4
//
// A group's boundaries need not fall on quads, so the input is read channel by channel. An invocation owns one
// output quad; neighbours own neighbouring quads of a pixel. The sum over a group is short (one channel
// a tap in a depthwise convolution), so that there is nothing for a tile to share.

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
override BIAS: u32 = 0;

struct Params {
    // The number of samples.
    batch: u32,
}

@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

// Channel c of the group of output channel o, at an input pixel. Lanes past the last channel meet zero weights.
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
    let i = (group.x + group.y * groups.x) * 64u + local;
    if (i >= params.batch * OUT_H * OUT_W * out_q) {
        return;
    }
    let q = i % out_q;
    let x = i / out_q % OUT_W;
    let y = i / (out_q * OUT_W) % OUT_H;
    let n = i / (out_q * OUT_W * OUT_H);
    var sum = select(vec4(0.0), bias[select(0u, q, BIAS == 1u)], BIAS == 1u);
    for (var ky = 0u; ky < KERNEL_H; ky++) {
        let sy = i32(y) * STRIDE_H + i32(ky) * DILATION_H - PAD_TOP;
        if (sy < 0 || u32(sy) >= IN_H) {
            continue;
        }
        for (var kx = 0u; kx < KERNEL_W; kx++) {
            let sx = i32(x) * STRIDE_W + i32(kx) * DILATION_W - PAD_LEFT;
            if (sx < 0 || u32(sx) >= IN_W) {
                continue;
            }
            let pixel = (n * IN_H + u32(sy)) * IN_W + u32(sx);
            for (var c = 0u; c < in_g; c++) {
                let a = vec4(
                    channel(pixel, 4u * q, c),
                    channel(pixel, 4u * q + 1u, c),
                    channel(pixel, 4u * q + 2u, c),
                    channel(pixel, 4u * q + 3u, c),
                );
                sum = fma(a, weight[((ky * KERNEL_W + kx) * rows + c) * out_q + q], sum);
            }
        }
    }
    output[i] = sum;
}
