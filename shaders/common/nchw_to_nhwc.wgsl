// From the host's order into the device's: output[n][p][c] = input[n][c][p], zero in the pad lanes.
//
// input: floats as on the host, [n][channel][pixel].
// output: the quads of an activation, [n][pixel][quad].
// An invocation of n takes every n-th quad of the output, pixel after pixel, and channel quad after channel quad in a
// sample: neighbours read neighbouring floats, and for images of up to four channels they write in one piece too.

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

struct Params {
    channels: u32,
    // The pixels of a sample.
    pixels: u32,
    // The number of samples.
    batch: u32,
}

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<Quad>;
@group(0) @binding(2) var<uniform> params: Params;

// Of an item its pixel, its quad of channels and its sample.
fn place(item: u32) -> vec3<u32> {
    let quads = (params.channels + 3u) / 4u;
    return vec3(item % params.pixels, item / params.pixels % quads, item / (params.pixels * quads));
}

// The place that is as many items after another as `by` is after the first: without a division, which is slow where
// the divisor is not known to the compiler.
fn advance(at: vec3<u32>, by: vec3<u32>) -> vec3<u32> {
    let quads = (params.channels + 3u) / 4u;
    let pixel = at.x + by.x;
    let next_quad = pixel >= params.pixels;
    let q = at.y + by.y + u32(next_quad);
    let next_sample = q >= quads;
    return vec3(
        select(pixel, pixel - params.pixels, next_quad),
        select(q, q - quads, next_sample),
        at.z + by.z + u32(next_sample),
    );
}

// An element of the input; zero past the last channel.
fn element(sample: u32, channel: u32, pixel: u32) -> f32 {
    let real = min(channel, params.channels - 1u);
    return select(0.0, input[(sample * params.channels + real) * params.pixels + pixel], channel == real);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let quads = (params.channels + 3u) / 4u;
    let step = place(workgroups.x * WORKGROUP);
    for (var at = place(invocation.x); at.z < params.batch; at = advance(at, step)) {
        let first = 4u * at.y;
        let quad = vec4(
            element(at.z, first, at.x),
            element(at.z, first + 1u, at.x),
            element(at.z, first + 2u, at.x),
            element(at.z, first + 3u, at.x),
        );
        output[(at.z * params.pixels + at.x) * quads + at.y] = store(quad);
    }
}
