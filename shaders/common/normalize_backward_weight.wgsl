// Normalisation, backward: what the gradients to bias and weight sum, over ranges of pixels,
//
//   bias = Σ grad_output,   weight = Σ grad_output · (x − mean) · inverse
//
// x, grad_output  [pixels][quads] quads of an activation
// statistics      [sections][quads]: mean and inverse deviation; a section is what shares statistics
// step            the state of the step; where LIMITED, only the pixels of its first `samples` samples count
// bias, weight    [sections][splits][quads] vec4
//
// A section is split in ranges of `span` pixels. A workgroup of 64 owns `columns` neighbouring quads of a range; its
// 64 / `columns` lanes of each quad take the pixels in turn, so that together they read memory in one piece, and are
// summed as a fixed tree.
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

struct Statistics {
    mean: vec4<f32>,
    inverse: vec4<f32>,
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
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read> statistics: array<Statistics>;
@group(0) @binding(3) var<storage, read> step: StepState;
@group(0) @binding(4) var<storage, read_write> bias: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> weight: array<vec4<f32>>;
@group(0) @binding(6) var<uniform> params: Params;

struct Sums {
    bias: vec4<f32>,
    weight: vec4<f32>,
}

var<workgroup> parts: array<Sums, WORKGROUP>;

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
    var own = Sums(vec4<f32>(), vec4<f32>());
    if is_inside {
        let its = statistics[range / params.splits * params.quads + q];
        for (var pixel = begin + lane; pixel < end; pixel += lanes) {
            let grad = load(grad_output[pixel * params.quads + q]);
            own.bias += grad;
            own.weight += grad * ((load(x[pixel * params.quads + q]) - its.mean) * its.inverse);
        }
    }
    parts[local] = own;
    workgroupBarrier();
    for (var half = lanes / 2u; half > 0u; half /= 2u) {
        if lane < half {
            let other = parts[local + half * params.columns];
            parts[local].bias += other.bias;
            parts[local].weight += other.weight;
        }
        workgroupBarrier();
    }
    if is_inside & (lane == 0u) {
        bias[range * params.quads + q] = parts[local].bias;
        weight[range * params.quads + q] = parts[local].weight;
    }
}
