// From the device's order into the host's: output[n][c][p] = input[n][p][c].
//
// input: the quads of an activation, [n][pixel][quad].
// output: floats as on the host, [n][channel][pixel].
// Each of n invocations takes every n-th float of the output, so that the writes are in one piece; the reads are a
// transposition's, and the cache makes up for their stride.

const WORKGROUP = 64u;

override CHANNELS: u32;
override PIXELS: u32;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
// The number of samples.
@group(0) @binding(2) var<uniform> batch: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < batch * CHANNELS * PIXELS; index += workgroups.x * WORKGROUP) {
        let pixel = index % PIXELS;
        let channel = index / PIXELS % CHANNELS;
        let sample = index / (PIXELS * CHANNELS);
        let pixel_quads = (CHANNELS + 3u) / 4u;
        let quad = load(input[(sample * PIXELS + pixel) * pixel_quads + channel / 4u]);
        output[index] = quad[channel % 4u];
    }
}
