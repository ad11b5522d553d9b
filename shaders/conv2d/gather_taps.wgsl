// conv2d, few output channels: the sum over the taps of what each has of the pixel that it meets.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx of products[n, sy, sx, (ky * KERNEL_W + kx) * OUT_C + o]
//   sy = (y * STRIDE_H + ky * DILATION_H - PAD_TOP) / UP_H,   sx likewise
//
// A tap whose (sy, sx) is not whole or lies outside the input counts as zero. UP is 1 in a convolution, and the stride
// in the gradient to its input: see forward_subgroup.wgsl, of which this is the second half. The first is a matrix
// product of the input with all taps at once (forward_subgroup.wgsl or forward_tiled.wgsl, taps_to_columns.wgsl), so
// that as many columns work as there are taps times channels. With few channels the tiles of the other kernels would be
// empty.
//
// products  [n][IN_H][IN_W][COLUMNS] f32; IN_C = KERNEL_H * KERNEL_W * OUT_C of them, padded to whole quads
// bias      [OUT_Q] vec4, read where BIAS is 1
// output    [n][OUT_H][OUT_W][OUT_Q] vec4
//
// An invocation owns one quad of channels of one pixel. z is a phase of the pixels, UP_H * UP_W of them: all pixels of
// a phase use the same taps, and skip the others, so that neighbours go through the loops together.

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
override UP_H: u32 = 1;
override UP_W: u32 = 1;
override BIAS: u32 = 0;
override OUT_Q: u32 = (OUT_C + 3u) / 4u;
override COLUMNS: u32 = (IN_C + 3u) / 4u * 4u;

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
}

@group(0) @binding(0) var<storage, read> products: array<f32>;
@group(0) @binding(1) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<Quad>;
@group(0) @binding(3) var<uniform> params: Params;

// Whether any pixel of the phase meets the input under a tap of this row or column. Both remainders are of what is not
// negative: of a negative number GLSL has none.
fn meets(phase: u32, tap: u32, dilation: i32, pad: i32, up: u32) -> bool {
    return (phase + tap * u32(dilation) + u32(max(-pad, 0))) % up == u32(max(pad, 0)) % up;
}

// Four products of a tap, of those channels that there are; only these are read.
fn quad(at: u32, channel: u32) -> vec4<f32> {
    let next = select(vec3(at), at + vec3(1u, 2u, 3u), channel + vec3(1u, 2u, 3u) < vec3(OUT_C));
    var value = vec4(products[at], 0.0, 0.0, 0.0);
    if (OUT_C > 1u) {
        value.y = products[next.x];
    }
    if (OUT_C > 2u) {
        value.z = products[next.y];
    }
    if (OUT_C > 3u) {
        value.w = products[next.z];
    }
    return value;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let phase = vec2(group.z % UP_W, group.z / UP_W);
    let phase_w = (OUT_W + UP_W - 1u) / UP_W;
    let phase_h = (OUT_H + UP_H - 1u) / UP_H;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let column = i % OUT_Q;
    let sample = i / (OUT_Q * phase_w * phase_h);
    let y = i / (OUT_Q * phase_w) % phase_h * UP_H + phase.y;
    let x = i / OUT_Q % phase_w * UP_W + phase.x;
    if ((sample >= params.batch) | (y >= OUT_H) | (x >= OUT_W)) {
        return;
    }
    let top = i32(y) * STRIDE_H - PAD_TOP;
    let left = i32(x) * STRIDE_W - PAD_LEFT;
    var sum = vec4(0.0);
    for (var ky = 0u; ky < KERNEL_H; ky++) {
        if (!meets(phase.y, ky, DILATION_H, PAD_TOP, UP_H)) {
            continue;
        }
        let below = top + i32(ky) * DILATION_H;
        let sy = u32(below) / UP_H;
        let line = (sample * IN_H + sy) * IN_W;
        let inside_y = (below >= 0) & (sy < IN_H);
        for (var kx = 0u; kx < KERNEL_W; kx++) {
            if (!meets(phase.x, kx, DILATION_W, PAD_LEFT, UP_W)) {
                continue;
            }
            let right = left + i32(kx) * DILATION_W;
            let sx = u32(right) / UP_W;
            let inside = inside_y & (right >= 0) & (sx < IN_W);
            let at = (line + sx) * COLUMNS + (ky * KERNEL_W + kx) * OUT_C + 4u * column;
            sum += select(vec4(0.0), quad(select(0u, at, inside), 4u * column), inside);
        }
    }
    let biased = select(vec4(0.0), bias[select(0u, column, BIAS == 1u)], BIAS == 1u) + sum;
    // The lanes past the last channel stay zero, which an activation of 0 need not be.
    let channels = vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(OUT_C);
    output[(sample * OUT_H + y) * OUT_W * OUT_Q + x * OUT_Q + column] = store(select(vec4(0.0), activate(biased), channels));
}
