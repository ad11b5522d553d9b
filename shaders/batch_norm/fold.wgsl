// Batch normalisation outside training, folded into the weight and bias of the convolution or linear layer before:
//
//   scale = norm_weight / √(running_var + EPS), of each output channel
//   folded_weight = weight · scale,   folded_bias = (bias − running_mean) · scale + norm_bias
//
// weight, folded_weight   [rows][quads] vec4 over the output channels; padding stays zero
// bias                    [quads] vec4, read where BIAS; otherwise 0
// norm_weight, norm_bias  [quads] vec4, read where AFFINE; otherwise 1 and 0
// running_mean, running_var, folded_bias  [quads] vec4
//
// An invocation of n takes every n-th quad of the weight, neighbours neighbouring ones; those of the first row own
// the bias too.

const WORKGROUP = 64u;

override EPS: f32;
override BIAS: bool;
override AFFINE: bool;

struct Params {
    rows: u32,
    channels: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> norm_weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> norm_bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> running_mean: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> running_var: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> folded_weight: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> folded_bias: array<vec4<f32>>;
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let quads = (params.channels + 3u) / 4u;
    for (var index = invocation.x; index < params.rows * quads; index += workgroups.x * WORKGROUP) {
        let q = index % quads;
        let is_pad = q * 4u + vec4(0u, 1u, 2u, 3u) >= vec4(params.channels);
        let inverse = select(1.0 / sqrt(running_var[q] + EPS), vec4<f32>(), is_pad);
        let scale = inverse * select(vec4(1.0), norm_weight[select(0u, q, AFFINE)], AFFINE);
        folded_weight[index] = weight[index] * scale;
        if index < quads {
            let before = select(vec4<f32>(), bias[select(0u, q, BIAS)], BIAS);
            let offset = select(vec4<f32>(), norm_bias[select(0u, q, AFFINE)], AFFINE);
            folded_bias[index] = (before - running_mean[q]) * scale + offset;
        }
    }
}
