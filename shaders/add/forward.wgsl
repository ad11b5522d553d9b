// Addition, forward: output = left + right.
//
// left, right, output: the quads of activations of one shape, [pixel][quad]. Pad lanes stay zero.
// Each of n invocations takes every n-th quad: the kernel is bound by memory, which neighbours on neighbouring quads
// read and write in one piece, and more invocations than reach its speed would only cost their start.

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

@group(0) @binding(0) var<storage, read> left: array<Quad>;
@group(0) @binding(1) var<storage, read> right: array<Quad>;
@group(0) @binding(2) var<storage, read_write> output: array<Quad>;
// The number of quads.
@group(0) @binding(3) var<uniform> quads: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < quads; index += workgroups.x * WORKGROUP) {
        output[index] = store(load(left[index]) + load(right[index]));
    }
}
