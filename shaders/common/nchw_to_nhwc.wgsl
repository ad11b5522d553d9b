// From the host's order into the device's: output[n][p][c] = input[n][c][p], zero in the pad lanes.
//
// input: floats as on the host, [n][channel][pixel].
// output: the quads of an activation, [n][pixel][quad].
// An invocation of n takes every n-th quad of the output, pixel after pixel, and channel quad after channel quad in a
// sample: neighbours read neighbouring floats, and for images of up to four channels they write in one piece too.

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

// An element of the input; zero past the last channel.
fn element(sample: u32, channel: u32, pixel: u32) -> f32 {
    if CHANNELS % 4u == 0u {
        return input[(sample * CHANNELS + channel) * PIXELS + pixel];
    }
    let place = (sample * CHANNELS + min(channel, CHANNELS - 1u)) * PIXELS + pixel;
    return select(0.0, input[place], channel < CHANNELS);
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
        let quad = vec4(
            element(sample, 4u * q, pixel),
            element(sample, 4u * q + 1u, pixel),
            element(sample, 4u * q + 2u, pixel),
            element(sample, 4u * q + 3u, pixel),
        );
        output[(sample * PIXELS + pixel) * pixel_quads + q] = store(quad);
    }
}
