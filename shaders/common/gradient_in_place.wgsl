// An activation, backward and in place: grad = gradient(value, grad).
//
// value: the activation's output, or its input where the derivative follows from that; grad: the gradient to the
// output, which becomes that to the input. Both are quads, [pixel][quad].
// Here the gradient is that of no function; the scheduler puts an activation's section `gradient` in its place
// where nothing else needs the gradient to the output.
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

// section gradient: what the scheduler runs in place. Another function is put here.
fn gradient(value: vec4<f32>, grad: vec4<f32>) -> vec4<f32> {
    return grad;
}
// end gradient

@group(0) @binding(0) var<storage, read> value: array<Quad>;
@group(0) @binding(1) var<storage, read_write> grad: array<Quad>;
// The number of quads.
@group(0) @binding(2) var<uniform> quads: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < quads; index += workgroups.x * WORKGROUP) {
        grad[index] = store(gradient(load(value[index]), load(grad[index])));
    }
}
