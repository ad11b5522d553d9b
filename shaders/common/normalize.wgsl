// Normalisation, after the statistics are known:
//
//   y = (x − mean) · inverse · weight + bias,   inverse = 1 / √(variance + ε)
//
// and where LINEAR, without mean and bias: what its derivative does to a gradient if the statistics are given.
//
// x, y          [pixels][Q] quads of an activation
// statistics    [sections][Q]: mean and inverse; a section is what shares statistics, a sample or the whole batch
// weight, bias  [Q] vec4, read where AFFINE; otherwise 1 and 0
// step          the state of the step; where LIMITED, samples from its `samples` on are padding and become zero
//
// An invocation owns one quad, a workgroup 256 quads in a row: the kernel is bound by memory, and neighbours on
// neighbouring quads read and write it in one piece. The inverse is zero in pad lanes, and so are they.

const WORKGROUP = 256u;

override Q: u32;
// Pixels of a sample.
override PIXELS: u32;
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
    sections: u32,
    // Of a section.
    pixels: u32,
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
    @builtin(local_invocation_index) invocation: u32,
) {
    let index = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP + invocation;
    let pixel = index / Q;
    if pixel >= params.sections * params.pixels {
        return;
    }
    let q = index % Q;
    let own = statistics[pixel / params.pixels * Q + q];
    let scale = own.inverse * select(vec4(1.0), weight[select(0u, q, AFFINE)], AFFINE);
    let mean = select(own.mean, vec4<f32>(), LINEAR);
    let offset = select(vec4<f32>(), bias[select(0u, q, AFFINE)], AFFINE & !LINEAR);
    let value = (load(x[index]) - mean) * scale + offset;
    let is_padding = LIMITED & (pixel >= step.samples * PIXELS);
    y[index] = store(select(value, vec4<f32>(), is_padding));
}
