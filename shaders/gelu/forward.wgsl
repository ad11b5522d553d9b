// GELU, forward: output = input · Φ(input), Φ being the normal distribution function.
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
// The distribution function of the standard normal distribution, (1 + erf(x / √2)) / 2. Near zero erf is a polynomial;
// elsewhere 1 − erf(z) = e^r with r a polynomial, so that nothing cancels in the tail to the left. Both are minimax
// approximations with an error below 10⁻⁷.
fn normal_distribution(x: vec4<f32>) -> vec4<f32> {
    let z = min(abs(x) * 0.70710678, vec4(15.0));
    let s = z * z;
    var near = s * -5.96761703e-4 + 4.99119423e-3;
    near = near * s - 2.67681349e-2;
    near = near * s + 1.12819925e-1;
    near = near * s - 3.76125336e-1;
    near = near * s + 1.28379166e-1;
    near = near * z + z;
    var r = z * -1.72853470e-5 + 3.83197126e-4;
    let u = z * -3.88396438e-3 + 2.42546219e-2;
    r = r * s + u;
    r = r * z - 1.06777877e-1;
    r = r * z - 6.34846687e-1;
    r = r * z - 1.28717512e-1;
    let tail = 0.5 * exp(r * z - z);
    let left = select(tail, 0.5 - 0.5 * near, z < vec4(0.927734375));
    return select(left, 1.0 - left, x >= vec4<f32>());
}
fn activate(x: vec4<f32>) -> vec4<f32> {
    return x * normal_distribution(x);
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
