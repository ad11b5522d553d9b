// ELU, backward: grad_input = grad_output where output > 0, otherwise grad_output · (output + ALPHA).
//
// output, grad_output, grad_input: the quads of an activation, [pixel][quad]; where grad_output is
// zero, as in pad lanes, so is grad_input.
// An invocation of n takes every n-th quad, as in the forward pass.

const WORKGROUP = 64u;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

// section gradient: the gradient to the input, which can also be computed in place.
override ALPHA: f32 = 1.0;
fn gradient(y: vec4<f32>, grad: vec4<f32>) -> vec4<f32> {
    return select(grad, grad * (y + ALPHA), y <= vec4<f32>());
}
// end gradient

@group(0) @binding(0) var<storage, read> output: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> grad_input: array<Quad>;
// The number of quads.
@group(0) @binding(3) var<uniform> quads: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < quads; index += workgroups.x * WORKGROUP) {
        grad_input[index] = store(gradient(load(output[index]), load(grad_output[index])));
    }
}
