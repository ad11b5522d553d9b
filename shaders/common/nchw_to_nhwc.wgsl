// From the host's order into the device's: output[n][p][c] = input[n][c][p], zero in the pad lanes.
//
// input: floats as on the host, [n][channel][pixel].
// output: the quads of an activation, [n][pixel][quad].
// Each of n invocations takes every n-th quad of the output, so that the writes are in one piece; for images of up to
// four channels the reads are too.

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

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<Quad>;
// The number of samples.
@group(0) @binding(2) var<uniform> batch: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let pixel_quads = (CHANNELS + 3u) / 4u;
    for (var index = invocation.x; index < batch * PIXELS * pixel_quads; index += workgroups.x * WORKGROUP) {
        let channel = (index % pixel_quads) * 4u;
        let pixel = index / pixel_quads;
        let first = (pixel / PIXELS * CHANNELS + channel) * PIXELS + pixel % PIXELS;
        var quad = vec4<f32>();
        for (var lane = 0u; lane < min(CHANNELS - channel, 4u); lane++) {
            quad[lane] = input[first + lane * PIXELS];
        }
        output[index] = store(quad);
    }
}
