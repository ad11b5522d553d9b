// Normalisation by statistics of the input itself, backward:
//
//   grad_input = inverse · (weight · grad_output − mean(g) − x̂ · mean(g · x̂))
//   x̂ = (x − mean) · inverse,   g = weight · grad_output, its means taken over all that shares the statistics
//
// x, grad_output, grad_input  [pixels][quads] quads of an activation
// statistics  [sections][quads]: mean and inverse deviation; a section is what shares statistics
// weight      [quads] vec4, read where AFFINE; otherwise 1
// means       [sections][quads]: mean(g) and mean(g · x̂)
// step        the state of the step; where LIMITED, samples from its `samples` on are padding, without a gradient
//
// A section is split in ranges of `span` pixels. A workgroup of 64 owns `columns` neighbouring quads of a range; its
// 64 / `columns` lanes of each quad take the pixels in turn, so that together they read and write memory in one piece,
// and an invocation reads what it needs to know of its channels once. The inverse is zero in pad lanes, and so are
// they.
const WORKGROUP = 64u;

override LIMITED: bool;
override AFFINE: bool;

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

struct Means {
    grad: vec4<f32>,
    product: vec4<f32>,
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
@group(0) @binding(3) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> means: array<Means>;
@group(0) @binding(5) var<storage, read> step: StepState;
@group(0) @binding(6) var<storage, read_write> grad_input: array<Quad>;
@group(0) @binding(7) var<uniform> params: Params;

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

    let at = range / params.splits * params.quads + q;
    let own = statistics[at];
    let mean = means[at];
    let scale = select(vec4(1.0), weight[select(0u, q, AFFINE)], AFFINE);
    for (var pixel = begin + lane; pixel < end; pixel += lanes) {
        let index = pixel * params.quads + q;
        let normalized = (load(x[index]) - own.mean) * own.inverse;
        let value = own.inverse * (load(grad_output[index]) * scale - mean.grad - normalized * mean.product);
        grad_input[index] = store(select(value, vec4<f32>(), pixel >= counted));
    }
}
