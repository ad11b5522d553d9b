// ReLU6, forward: output = min(max(input, 0), 6).
//
// input, output: the quads of an activation, [pixel][quad]. Pad lanes stay zero by themselves.
// An invocation of n takes every n-th quad: the kernel is bound by memory, which neighbours on neighbouring quads
// read and write in one piece, and more invocations than reach its speed would only cost their start.

const WORKGROUP = 64u;

override CHANNELS: u32;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

// section activation: the function, which can also be fused into the store of the layer before.
fn activate(x: vec4<f32>) -> vec4<f32> {
    // What bounds a value may hide NaN, and so may a comparison of floats where a driver takes leave to assume none.
    let is_nan = (bitcast<vec4<u32>>(x) & vec4(0x7fffffffu)) > vec4(0x7f800000u);
    return select(clamp(x, vec4<f32>(), vec4(6.0)), x, is_nan);
}
// end activation

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read_write> output: array<Quad>;
// The number of quads.
@group(0) @binding(2) var<uniform> quads: u32;

// The value without the lanes past the last channel.
fn real(index: u32, value: vec4<f32>) -> vec4<f32> {
    if CHANNELS % 4u == 0u {
        return value;
    }
    let channels = index % ((CHANNELS + 3u) / 4u) * 4u + vec4(0u, 1u, 2u, 3u);
    return select(vec4<f32>(), value, channels < vec4(CHANNELS));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < quads; index += workgroups.x * WORKGROUP) {
        output[index] = store(real(index, activate(load(input[index]))));
    }
}
