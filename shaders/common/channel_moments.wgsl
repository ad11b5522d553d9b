// The moments of each channel over ranges of pixels, from which follow its mean and variance:
//
//   mean = Σ x / n,   m2 = Σ (x − mean)²,   n = the pixels of the range that count
//
// x        [pixels][quads] quads of an activation
// step     the state of the step; where LIMITED, only the pixels of its first `samples` samples count
// moments  [sections][splits][quads]: mean and m2; zero for a range of which no pixel counts
//
// A section is what shares statistics, a sample or the whole batch, and is split in ranges of `span` pixels.
// A workgroup of 64 owns `columns` neighbouring quads of a range; its 64 / `columns` lanes of each quad take the pixels
// in turn, so that together they read memory in one piece.
//
// Values are taken relative to the first of the range, and joined by the formula of Chan, Golub and LeVeque (1979),
// each lane's one by one and then the lanes' as a fixed tree: nothing as large as a mean far from zero is squared or
// summed, so that nothing cancels.
const WORKGROUP = 64u;

override LIMITED: bool;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

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

struct Params {
    // Quads of a pixel.
    quads: u32,
    // Quads that a workgroup owns: a power of two, at most 64.
    columns: u32,
    // Pixels of a sample.
    sample_pixels: u32,
    sections: u32,
    // Pixels of a section.
    pixels: u32,
    // Pixels of a range.
    span: u32,
    // Ranges of a section.
    splits: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read> step: StepState;
@group(0) @binding(2) var<storage, read_write> moments: array<RangeMoments>;
@group(0) @binding(3) var<uniform> params: Params;

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
    let lanes = WORKGROUP / params.columns;
    let lane = local / params.columns;
    let across = (params.quads + params.columns - 1u) / params.columns;
    let group = workgroup.x + workgroup.y * workgroups.x;
    let range = group / across;
    let q = group % across * params.columns + local % params.columns;
    let is_inside = (range < params.sections * params.splits) & (q < params.quads);

    let section = range / params.splits * params.pixels;
    let begin = section + range % params.splits * params.span;
    let counted = select(params.sections * params.pixels, step.samples * params.sample_pixels, LIMITED);
    let end = min(min(begin + params.span, section + params.pixels), counted);
    var own = Moments(0.0, vec4<f32>(), vec4<f32>());
    var first = vec4<f32>();
    if is_inside {
        first = load(x[begin * params.quads + q]);
        for (var pixel = begin + lane; pixel < end; pixel += lanes) {
            own = merge(own, Moments(1.0, load(x[pixel * params.quads + q]) - first, vec4<f32>()));
        }
    }
    parts[local] = own;
    workgroupBarrier();
    for (var half = lanes / 2u; half > 0u; half /= 2u) {
        if lane < half {
            parts[local] = merge(parts[local], parts[local + half * params.columns]);
        }
        workgroupBarrier();
    }
    if is_inside & (lane == 0u) {
        let all = parts[local];
        moments[range * params.quads + q] = RangeMoments(select(vec4<f32>(), first + all.mean, all.count > 0.0), all.m2);
    }
}
