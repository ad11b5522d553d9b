// Addition in place: into += addend. It adds the third and later inputs of a sum, and the gradients that
// reach a value from its several consumers.
//
// into, addend: quads, laid out alike. Pad lanes stay zero.
// An invocation of n takes every n-th quad: the kernel is bound by memory, which neighbours on neighbouring quads
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

@group(0) @binding(0) var<storage, read_write> into: array<Quad>;
@group(0) @binding(1) var<storage, read> addend: array<Quad>;
// The number of quads.
@group(0) @binding(2) var<uniform> quads: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < quads; index += workgroups.x * WORKGROUP) {
        into[index] = store(load(into[index]) + load(addend[index]));
    }
}
