// From the device's order into the host's: output[n][c][p] = input[n][p][c].
//
// input: the quads of an activation, [n][pixel][quad].
// output: floats as on the host, [n][channel][pixel].
// An invocation of n takes every n-th quad of the input, pixel after pixel, and channel quad after channel quad in a
// sample: neighbours write neighbouring floats, and for images of up to four channels they read in one piece too.

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

// Writes an element, if there is such a channel.
fn put(sample: u32, channel: u32, pixel: u32, value: f32) {
    if channel < CHANNELS {
        output[(sample * CHANNELS + channel) * PIXELS + pixel] = value;
    }
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let pixel_quads = (CHANNELS + 3u) / 4u;
    for (var index = invocation.x; index < batch * PIXELS * pixel_quads; index += workgroups.x * WORKGROUP) {
        let pixel = index % PIXELS;
        let q = index / PIXELS % pixel_quads;
        let sample = index / (PIXELS * pixel_quads);
        let quad = load(input[(sample * PIXELS + pixel) * pixel_quads + q]);
        put(sample, 4u * q, pixel, quad.x);
        put(sample, 4u * q + 1u, pixel, quad.y);
        put(sample, 4u * q + 2u, pixel, quad.z);
        put(sample, 4u * q + 3u, pixel, quad.w);
    }
}
