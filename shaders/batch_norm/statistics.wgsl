// Batch normalisation in training: each channel's statistics over the batch, and its running statistics:
//
//   mean = Σ x / n,   variance = Σ (x − mean)² / n,   inverse = 1 / √(variance + EPS)
//   running_mean = (1 − MOMENTUM) · running_mean + MOMENTUM · mean
//   running_var  = (1 − MOMENTUM) · running_var  + MOMENTUM · variance · n / (n − 1)
//
// moments       [splits][quads]: mean and Σ (x − mean)² of each range, from common/channel_moments.wgsl
// step          the state of the step, for the number of samples
// statistics    [quads]: mean and inverse; zero in pad lanes
// running_mean, running_var  [quads] vec4
//
// Ranges are joined by the formula of Chan, Golub and LeVeque (1979), their means relative to that of the first.
// A workgroup of 64 owns 64 / lanes neighbouring quads; the lanes of a quad take its ranges in turn and are joined as
// a fixed tree, so that many ranges of few channels are soon read.

const WORKGROUP = 64u;

override EPS: f32;
override MOMENTUM: f32;

struct StepState {
    seed_low: u32,
    seed_high: u32,
    step: u32,
    samples: u32,
}

struct RangeMoments {
    mean: vec4<f32>,
    m2: vec4<f32>,
}

struct Statistics {
    mean: vec4<f32>,
    inverse: vec4<f32>,
}

struct Params {
    channels: u32,
    // Pixels of a sample.
    sample_pixels: u32,
    // Pixels of a range.
    span: u32,
    splits: u32,
    // A power of two, at most 64.
    lanes: u32,
}

@group(0) @binding(0) var<storage, read> moments: array<RangeMoments>;
@group(0) @binding(1) var<storage, read> step: StepState;
@group(0) @binding(2) var<storage, read_write> statistics: array<Statistics>;
@group(0) @binding(3) var<storage, read_write> running_mean: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> running_var: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> params: Params;

struct Moments {
    count: f32,
    mean: vec4<f32>,
    m2: vec4<f32>,
}

// The moments of two sets together.
fn merge(a: Moments, b: Moments) -> Moments {
    let count = a.count + b.count;
    let part = b.count / max(count, 1.0);
    let apart = b.mean - a.mean;
    return Moments(count, a.mean + apart * part, a.m2 + b.m2 + apart * apart * (a.count * part));
}

var<workgroup> parts: array<Moments, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let quads = (params.channels + 3u) / 4u;
    let columns = WORKGROUP / params.lanes;
    let lane = local / columns;
    let q = (workgroup.x + workgroup.y * workgroups.x) * columns + local % columns;
    let is_inside = q < quads;

    let counted = step.samples * params.sample_pixels;
    var own = Moments(0.0, vec4<f32>(), vec4<f32>());
    var first = vec4<f32>();
    if is_inside {
        first = moments[q].mean;
        for (var split = lane; split < params.splits; split += params.lanes) {
            let range = moments[split * quads + q];
            let count = min(params.span, counted - min(split * params.span, counted));
            own = merge(own, Moments(f32(count), range.mean - first, range.m2));
        }
    }
    parts[local] = own;
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if lane < half {
            parts[local] = merge(parts[local], parts[local + half * columns]);
        }
        workgroupBarrier();
    }
    if is_inside & (lane == 0u) {
        let all = parts[local];
        let mean = first + all.mean;
        let is_pad = q * 4u + vec4(0u, 1u, 2u, 3u) >= vec4(params.channels);
        let inverse = 1.0 / sqrt(all.m2 / max(all.count, 1.0) + EPS);
        statistics[q] = Statistics(mean, select(inverse, vec4<f32>(), is_pad));
        let unbiased = all.m2 / max(all.count - 1.0, 1.0);
        running_mean[q] = (1.0 - MOMENTUM) * running_mean[q] + MOMENTUM * mean;
        running_var[q] = (1.0 - MOMENTUM) * running_var[q] + MOMENTUM * unbiased;
    }
}
