// Hyperbolic tangent, forward: output = tanh(input) = sign(x) (1 − t) / (1 + t), t = e^(−2|x|).
//
// input, output: the quads of an activation, [pixel][quad]. Pad lanes stay zero by themselves.
// An invocation of n takes every n-th quad: the kernel is bound by memory, which neighbours on neighbouring quads
// read and write in one piece, and more invocations than reach its speed would only cost their start.
//
// The built-in function will not do: drivers compute it as a quotient of exponentials that overflow,
// and that cancel near zero. Here t never exceeds one, and near zero Taylor's series steps in.

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
    let t = exp(-2.0 * abs(x));
    let far = sign(x) * (1.0 - t) / (1.0 + t);
    // Below a quarter the difference 1 − t would lose more bits than the series does by ending:
    // x − x³/3 + 2x⁵/15 − 17x⁷/315 + 62x⁹/2835
    let square = x * x;
    var series = square * (62.0 / 2835.0) - 17.0 / 315.0;
    series = square * series + 2.0 / 15.0;
    series = square * series - 1.0 / 3.0;
    let near = x + x * square * series;
    return select(far, near, abs(x) < vec4(0.25));
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
