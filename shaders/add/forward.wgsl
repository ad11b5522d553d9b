// Addition, forward: output = activate(left + operand_activate(right)).
//
// left, right, output: the quads of activations of one shape, [pixel][quad]. Pad lanes are zero.
// An invocation of n takes every n-th quad: the kernel is bound by memory, which neighbours on neighbouring quads
// read and write in one piece, and more invocations than reach its speed would only cost their start.

const WORKGROUP = 64u;

// A multiple of four keeps every lane.
override CHANNELS: u32 = 4;
// Whether both operands are one tensor, which is then read once.
override SAME: bool = false;

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

// section operand: what the scheduler fuses into the load of the right operand. Another function is put here.
fn operand_activate(x: vec4<f32>) -> vec4<f32> {
    return x;
}
// end operand

@group(0) @binding(0) var<storage, read> left: array<Quad>;
@group(0) @binding(1) var<storage, read> right: array<Quad>;
@group(0) @binding(2) var<storage, read_write> output: array<Quad>;
// The number of quads.
@group(0) @binding(3) var<uniform> quads: u32;

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
        let a = load(left[index]);
        var b = a;
        if !SAME {
            b = load(right[index]);
        }
        output[index] = store(real(index, activate(a + operand_activate(b))));
    }
}
