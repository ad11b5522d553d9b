// Mean squared error, backward: the gradient to each element of the prediction,
//   grad = scale · 2 (x − t)
// with prediction x and target t; scale is 1 / (the number of elements that count) for a mean and 1 for a sum.
//
// prediction: the quads of an activation, [sample][pixel][quad].
// expected: the targets, laid out alike in f32.
// step: the state of the step. Samples from `samples` on are padding; their gradient is zero.
// grad_prediction: laid out alike, in f32 however the prediction is stored: it may be scaled before it is stored in
// less. Pad lanes are zero as in both tensors.
//
// An invocation of n takes every n-th quad: the kernel is bound by memory, and neighbours read and write it in one
// piece.

const WORKGROUP = 64u;

// Quads of one sample.
override SAMPLE_QUADS: u32;
// Elements of one sample.
override PREDICTIONS: u32;
override MEAN: bool;

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

@group(0) @binding(0) var<storage, read> prediction: array<Quad>;
@group(0) @binding(1) var<storage, read> expected: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> grad_prediction: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> step: StepState;
// The number of samples, padding included.
@group(0) @binding(4) var<uniform> batch: u32;

fn gradient(index: u32) -> vec4<f32> {
    return 2.0 * (load(prediction[index]) - expected[index]);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < batch * SAMPLE_QUADS; index += workgroups.x * WORKGROUP) {
        let samples = min(step.samples, batch);
        // Not a product with zero: a sample that does not count may hold anything.
        if index >= samples * SAMPLE_QUADS {
            grad_prediction[index] = vec4<f32>();
            continue;
        }
        let scale = select(1.0, 1.0 / f32(samples * PREDICTIONS), MEAN);
        grad_prediction[index] = scale * gradient(index);
    }
}
