// Group normalisation, backward: the means that the gradient to the input subtracts,
//
//   mean(g) = Σ weight · bias_part / n,   mean(g · x̂) = Σ weight · weight_part / n
//
// the sums over the channels and ranges of a group, n its elements.
//
// bias_parts, weight_parts  [samples][splits][channel] padded to whole quads: Σ grad_output and
//                           Σ grad_output · x̂ of a range of pixels, from common/normalize_backward_weight.wgsl
// weight   [channel], read where AFFINE; otherwise 1
// means    [samples][quad], each the first mean of four channels' groups and then the second; zero in pad lanes
//
// A workgroup of 64 owns 64 / lanes groups; the lanes of a group take its channels and ranges in turn, are summed as a
// fixed tree, and write what they found to the group's channels. A group may cut through a quad, so that all is read
// and written channel by channel.

const WORKGROUP = 64u;

override AFFINE: bool;

struct Params {
    channels: u32,
    groups: u32,
    // Pixels of a sample.
    sample_pixels: u32,
    samples: u32,
    // Ranges of a sample.
    splits: u32,
    // A power of two, at most 64.
    lanes: u32,
}

@group(0) @binding(0) var<storage, read> bias_parts: array<f32>;
@group(0) @binding(1) var<storage, read> weight_parts: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> means: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> parts: array<vec2<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let size = params.channels / params.groups;
    let quads = (params.channels + 3u) / 4u;
    let lane = local % params.lanes;
    let owned = WORKGROUP / params.lanes;
    let column = (workgroup.x + workgroup.y * workgroups.x) * owned + local / params.lanes;
    let sample = column / params.groups;
    let channel = column % params.groups * size;
    let is_inside = sample < params.samples;

    var own = vec2<f32>();
    if is_inside {
        for (var i = lane; i < size * params.splits; i += params.lanes) {
            let c = channel + i % size;
            let at = (sample * params.splits + i / size) * quads * 4u + c;
            own += select(1.0, weight[select(0u, c, AFFINE)], AFFINE) * vec2(bias_parts[at], weight_parts[at]);
        }
    }
    parts[local] = own;
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if lane < half {
            parts[local] += parts[local + half];
        }
        workgroupBarrier();
    }
    if is_inside {
        let mean = parts[local - lane] / f32(size * params.sample_pixels);
        // The last group writes the pad lanes too.
        let end = select(channel + size, quads * 4u, channel + size == params.channels);
        for (var c = channel + lane; c < end; c += params.lanes) {
            let at = (sample * quads + c / 4u) * 8u + c % 4u;
            let value = select(vec2<f32>(), mean, c < params.channels);
            means[at] = value.x;
            means[at + 4u] = value.y;
        }
    }
}
