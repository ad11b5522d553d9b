// Normalisation, after the statistics are known:
//
//   y = activate((x − mean) · inverse · weight + bias),   inverse = 1 / √(variance + ε)
//
// and where LINEAR, without mean and bias: what its derivative does to a gradient if the statistics are given.
//
// x, y          [pixels][quads] quads of an activation
// statistics    [sections][quads]: mean and inverse; a section is what shares statistics, a sample or the whole batch
// weight, bias  [quads] vec4, read where AFFINE; otherwise 1 and 0
// step          the state of the step; where LIMITED, samples from its `samples` on are padding and become zero
//
// A section is split in ranges of `span` pixels. A workgroup of 64 owns `columns` neighbouring quads of a range; its
// 64 / `columns` lanes of each quad take the pixels in turn, so that together they read and write memory in one piece,
// and an invocation reads what it needs to know of its channels once. Pad lanes are put back to zero.
const WORKGROUP = 64u;

override LIMITED: bool;
override AFFINE: bool;
override LINEAR: bool;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

// section activation: what the scheduler fuses into the store. Another function is put here.
fn activate(x: vec4<f32>) -> vec4<f32> {
    return x;
}
// end activation

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
    channels: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read> statistics: array<Statistics>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> step: StepState;
@group(0) @binding(5) var<storage, read_write> y: array<Quad>;
@group(0) @binding(6) var<uniform> params: Params;

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
    if (range >= params.sections * params.splits) | (q >= params.quads) {
        return;
    }
    let section = range / params.splits * params.pixels;
    let begin = section + range % params.splits * params.span;
    let end = min(begin + params.span, section + params.pixels);
    let counted = select(end, step.samples * params.sample_pixels, LIMITED);

    let own = statistics[range / params.splits * params.quads + q];
    let scale = own.inverse * select(vec4(1.0), weight[select(0u, q, AFFINE)], AFFINE);
    let mean = select(own.mean, vec4<f32>(), LINEAR);
    let offset = select(vec4<f32>(), bias[select(0u, q, AFFINE)], AFFINE & !LINEAR);
    let is_pad = 4u * q + vec4(0u, 1u, 2u, 3u) >= vec4(params.channels);
    for (var pixel = begin + lane; pixel < end; pixel += lanes) {
        let index = pixel * params.quads + q;
        let value = activate((load(x[index]) - mean) * scale + offset);
        y[index] = store(select(value, vec4<f32>(), is_pad | vec4(pixel >= counted)));
    }
}
