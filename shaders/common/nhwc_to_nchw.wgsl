// From the device's order into the host's: output[n][c][p] = input[n][p][c].
//
// input: the quads of an activation, [n][pixel][quad].
// output: floats as on the host, [n][channel][pixel].
// An invocation of n takes every n-th quad of the input, pixel after pixel, and channel quad after channel quad in a
// sample: neighbours write neighbouring floats, and for images of up to four channels they read in one piece too.

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

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
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

// Writes an element, if there is such a channel.
fn put(sample: u32, channel: u32, pixel: u32, value: f32) {
    if channel < params.channels {
        output[(sample * params.channels + channel) * params.pixels + pixel] = value;
    }
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
        let quad = load(input[(at.z * params.pixels + at.x) * quads + at.y]);
        put(at.z, first, at.x, quad.x);
        put(at.z, first + 1u, at.x, quad.y);
        put(at.z, first + 2u, at.x, quad.z);
        put(at.z, first + 3u, at.x, quad.w);
    }
}
