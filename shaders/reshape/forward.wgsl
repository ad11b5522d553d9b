// The same elements under another shape: output[n][p'][c'] = input[n][p][c] where both have one place in NCHW
// order, c' · OUT_PIXELS + p' = c · PIXELS + p; zero in the pad lanes. With the shapes exchanged it is its own
// gradient.
//
// input: the quads of an activation of CHANNELS channels and PIXELS pixels, [n][pixel][quad].
// output: the same of OUT_CHANNELS channels and OUT_PIXELS pixels.
// Each of n invocations takes every n-th quad of the output, so that the writes are in one piece. The reads are a
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

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let out_quads = (OUT_CHANNELS + 3u) / 4u;
    for (var index = invocation.x; index < batch * OUT_PIXELS * out_quads; index += workgroups.x * WORKGROUP) {
        let quads = (CHANNELS + 3u) / 4u;
        let out_channel = (index % out_quads) * 4u;
        let out_pixel = index / out_quads % OUT_PIXELS;
        let sample = index / (out_quads * OUT_PIXELS);
        var value = vec4<f32>();
        for (var lane = 0u; lane < min(OUT_CHANNELS - out_channel, 4u); lane++) {
            let place = (out_channel + lane) * OUT_PIXELS + out_pixel;
            let channel = place / PIXELS;
            let quad = load(input[(sample * PIXELS + place % PIXELS) * quads + channel / 4u]);
            value[lane] = quad[channel % 4u];
        }
        output[index] = store(value);
    }
}
