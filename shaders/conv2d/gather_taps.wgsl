// conv2d, few output channels: the sum over the taps of what each has of the pixel that it meets.
//
//   output[n, y, x, o] = bias[o] + sum over ky, kx of products[n, sy, sx, (ky * kernel_width + kx) * out_channels + o]
//   sy = (y * stride_height + ky * dilation_height - pad_top) / UP_H,   sx likewise
//
// A tap whose (sy, sx) is not whole or lies outside the input counts as zero. UP is 1 in a convolution, and the stride
// in the gradient to its input: see forward_subgroup.wgsl, of which this is the second half. The first is a matrix
// product of the input with all taps at once (forward_subgroup.wgsl or forward_tiled.wgsl, taps_to_columns.wgsl), so
// that as many columns work as there are taps times channels. With few channels the tiles of the other kernels would be
// empty.
//
// products  [n][in_height][in_width][columns] f32: kernel_height * kernel_width * out_channels of them, padded to whole
//           quads
// bias      [out_quads] vec4, read where BIAS is 1
// output    [n][out_height][out_width][out_quads] vec4
//
// An invocation owns one quad of channels of one pixel. z is a phase of the pixels, UP_H * UP_W of them: all pixels of
// a phase use the same taps, and skip the others, so that neighbours go through the loops together.

override UP_H: u32 = 1;
override UP_W: u32 = 1;
override BIAS: u32 = 0;
// The output channels, but no more than a quad has.
override LANES: u32 = 4;

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
    let next = select(vec3(at), at + vec3(1u, 2u, 3u), channel + vec3(1u, 2u, 3u) < vec3(params.out_channels));
    var value = vec4(products[at], 0.0, 0.0, 0.0);
    if (LANES > 1u) {
        value.y = products[next.x];
    }
    if (LANES > 2u) {
        value.z = products[next.y];
    }
    if (LANES > 3u) {
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
    let phase_w = (params.out_width + UP_W - 1u) / UP_W;
    let phase_h = (params.out_height + UP_H - 1u) / UP_H;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let quads = (params.out_channels + 3u) / 4u;
    let column = i % quads;
    let sample = i / (quads * phase_w * phase_h);
    let y = i / (quads * phase_w) % phase_h * UP_H + phase.y;
    let x = i / quads % phase_w * UP_W + phase.x;
    if ((sample >= params.batch) | (y >= params.out_height) | (x >= params.out_width)) {
        return;
    }
    let columns = 4u * params.in_quads;
    let top = i32(y) * params.stride_height - params.pad_top;
    let left = i32(x) * params.stride_width - params.pad_left;
    var sum = vec4(0.0);
    for (var ky = 0u; ky < params.kernel_height; ky++) {
        if (!meets(phase.y, ky, params.dilation_height, params.pad_top, UP_H)) {
            continue;
        }
        let below = top + i32(ky) * params.dilation_height;
        let sy = u32(below) / UP_H;
        let line = (sample * params.in_height + sy) * params.in_width;
        let inside_y = (below >= 0) & (sy < params.in_height);
        for (var kx = 0u; kx < params.kernel_width; kx++) {
            if (!meets(phase.x, kx, params.dilation_width, params.pad_left, UP_W)) {
                continue;
            }
            let right = left + i32(kx) * params.dilation_width;
            let sx = u32(right) / UP_W;
            let inside = inside_y & (right >= 0) & (sx < params.in_width);
            let at = (line + sx) * columns + (ky * params.kernel_width + kx) * params.out_channels + 4u * column;
            sum += select(vec4(0.0), quad(select(0u, at, inside), 4u * column), inside);
        }
    }
    let biased = select(vec4(0.0), bias[select(0u, column, BIAS == 1u)], BIAS == 1u) + sum;
    // The lanes past the last channel stay zero, which an activation of 0 need not be.
    let channels = vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(params.out_channels);
    let pixel = (sample * params.out_height + y) * params.out_width + x;
    output[pixel * quads + column] = store(select(vec4(0.0), activate(biased), channels));
}
