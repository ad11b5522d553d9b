// Group normalisation: the statistics of each group of channels of each sample,
//
//   mean = Σ x / n,   variance = Σ (x − mean)² / n,   inverse = 1 / √(variance + EPS)
//
// moments     [samples][splits][quad], each the means of four channels over a range of pixels and then their
//             Σ (x − mean)², from common/channel_moments.wgsl
// statistics  [samples][quad], each the means of four channels' groups and then their inverses; zero in pad lanes
//
// Ranges and channels are joined by the formula of Chan, Golub and LeVeque (1979), their means relative to that of the
// first. A workgroup of 64 owns 64 / lanes groups; the lanes of a group take its channels and ranges in turn, are
// joined as a fixed tree, and write what they found to the group's channels. A group may cut through a quad, so that
// both tensors are read and written channel by channel.

const WORKGROUP = 64u;

override EPS: f32;

struct Params {
    channels: u32,
    groups: u32,
    // Pixels of a sample.
    sample_pixels: u32,
    samples: u32,
    // Pixels of a range.
    span: u32,
    // Ranges of a sample.
    splits: u32,
    // A power of two, at most 64.
    lanes: u32,
}

@group(0) @binding(0) var<storage, read> moments: array<f32>;
@group(0) @binding(1) var<storage, read_write> statistics: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

struct Moments {
    count: f32,
    mean: f32,
    m2: f32,
}

// The moments of two sets together.
fn merge(a: Moments, b: Moments) -> Moments {
    let count = a.count + b.count;
    let part = b.count / max(count, 1.0);
    let apart = b.mean - a.mean;
    return Moments(count, a.mean + apart * part, a.m2 + b.m2 + apart * apart * (a.count * part));
}

// The place of a channel's first number in the tensor's given row; the second is four further.
fn place(row: u32, channel: u32) -> u32 {
    return (row * ((params.channels + 3u) / 4u) + channel / 4u) * 8u + channel % 4u;
}

var<workgroup> parts: array<Moments, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let size = params.channels / params.groups;
    let lane = local % params.lanes;
    let owned = WORKGROUP / params.lanes;
    let column = (workgroup.x + workgroup.y * workgroups.x) * owned + local / params.lanes;
    let sample = column / params.groups;
    let channel = column % params.groups * size;
    let is_inside = sample < params.samples;

    var own = Moments(0.0, 0.0, 0.0);
    var first = 0.0;
    if is_inside {
        first = moments[place(sample * params.splits, channel)];
        for (var i = lane; i < size * params.splits; i += params.lanes) {
            let split = i / size;
            let at = place(sample * params.splits + split, channel + i % size);
            let count = min(params.span, params.sample_pixels - split * params.span);
            own = merge(own, Moments(f32(count), moments[at] - first, moments[at + 4u]));
        }
    }
    parts[local] = own;
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if lane < half {
            parts[local] = merge(parts[local], parts[local + half]);
        }
        workgroupBarrier();
    }
    if is_inside {
        let all = parts[local - lane];
        let inverse = 1.0 / sqrt(all.m2 / all.count + EPS);
        // The last group writes the pad lanes too.
        let end = select(channel + size, (params.channels + 3u) / 4u * 4u, channel + size == params.channels);
        for (var c = channel + lane; c < end; c += params.lanes) {
            let at = place(sample, c);
            statistics[at] = select(0.0, first + all.mean, c < params.channels);
            statistics[at + 4u] = select(0.0, inverse, c < params.channels);
        }
    }
}
