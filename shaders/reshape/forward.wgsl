// The same elements under another shape: output[n][p'][c'] = input[n][p][c] where both have one place in NCHW
// order, c' · OUT_PIXELS + p' = c · PIXELS + p; zero in the pad lanes. With the shapes exchanged it is its own
// gradient.
//
// input: the quads of an activation of CHANNELS channels and PIXELS pixels, [n][pixel][quad].
// output: the same of OUT_CHANNELS channels and OUT_PIXELS pixels.
// An invocation of n takes every n-th quad of the output, so that the writes are in one piece. The reads are a
// transposition's: each takes a quad for one of its lanes, and neighbours find the others in the cache.

const WORKGROUP = 64u;

override CHANNELS: u32;
override PIXELS: u32;
override OUT_CHANNELS: u32;
override OUT_PIXELS: u32;

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
@group(0) @binding(1) var<storage, read_write> output: array<Quad>;
// The number of samples.
@group(0) @binding(2) var<uniform> batch: u32;

// An element of the output; zero past the last channel.
fn element(sample: u32, out_channel: u32, out_pixel: u32) -> f32 {
    let place = min(out_channel, OUT_CHANNELS - 1u) * OUT_PIXELS + out_pixel;
    let channel = place / PIXELS;
    let quad = load(input[(sample * PIXELS + place % PIXELS) * ((CHANNELS + 3u) / 4u) + channel / 4u]);
    let pair = select(quad.xy, quad.zw, (channel & 2u) != 0u);
    return select(0.0, select(pair.x, pair.y, (channel & 1u) != 0u), out_channel < OUT_CHANNELS);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let out_quads = (OUT_CHANNELS + 3u) / 4u;
    for (var index = invocation.x; index < batch * OUT_PIXELS * out_quads; index += workgroups.x * WORKGROUP) {
        let channel = (index % out_quads) * 4u;
        let pixel = index / out_quads % OUT_PIXELS;
        let sample = index / (out_quads * OUT_PIXELS);
        let value = vec4(
            element(sample, channel, pixel),
            element(sample, channel + 1u, pixel),
            element(sample, channel + 2u, pixel),
            element(sample, channel + 3u, pixel),
        );
        output[index] = store(value);
    }
}
