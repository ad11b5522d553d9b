// NHWC to NCHW: output[n][c · PIXELS + p] = input[n][p][c], zero from CHANNELS · PIXELS to the row's end.
// It is the flatten operator, and what takes an activation out of a network.
//
// input: an activation, read float by float: [n][pixel][channel], channels padded to whole quads.
// output: rows of ROW floats, one a sample: [n][channel][pixel].
// An invocation owns one float of the output, a workgroup 256 in a row, so that the writes are in one
// piece; the reads are a transposition's, and the cache makes up for their stride.

const WORKGROUP = 256u;

override CHANNELS: u32;
override PIXELS: u32;
override ROW: u32;

@group(0) @binding(0) var<storage, read> input: array<f32>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
// The number of samples.
@group(0) @binding(2) var<uniform> batch: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let index = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP + invocation;
    if index >= batch * ROW {
        return;
    }
    let sample = index / ROW;
    let feature = index % ROW;
    let channel = feature / PIXELS;
    let pixel = feature % PIXELS;
    let padded_channels = (CHANNELS + 3u) / 4u * 4u;
    var value = 0.0;
    if channel < CHANNELS {
        value = input[(sample * PIXELS + pixel) * padded_channels + channel];
    }
    output[index] = value;
}
