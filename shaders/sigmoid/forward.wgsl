// Sigmoid, forward: output = 1 / (1 + e^(−input)).
//
// input, output: the quads of an activation, [pixel][quad]. sigmoid(0) is not zero, so pad lanes are
// put back to zero: CHANNELS says which lanes are real.
// An invocation owns one quad, a workgroup 256 quads in a row: the kernel is bound by memory, and
// neighbours on neighbouring quads read and write it in one piece.

const WORKGROUP = 256u;
const LANES = vec4<u32>(0u, 1u, 2u, 3u);

override CHANNELS: u32;

@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4<f32>>;
// The number of quads.
@group(0) @binding(2) var<uniform> quads: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let index = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP + invocation;
    if index >= quads {
        return;
    }
    let x = input[index];
    // Only exponents up to zero: e^|x| would overflow.
    let t = exp(-abs(x));
    let y = select(t, vec4(1.0), x >= vec4<f32>()) / (1.0 + t);

    let pixel_quads = (CHANNELS + 3u) / 4u;
    let channels = (index % pixel_quads) * 4u + LANES;
    output[index] = select(vec4<f32>(), y, channels < vec4(CHANNELS));
}
