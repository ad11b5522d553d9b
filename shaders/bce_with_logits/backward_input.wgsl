// Binary cross-entropy of logits, backward: the gradient to each element of the prediction,
//   grad = scale · ((1 − t) σ(x) − p t σ(−x)),   σ(x) = 1 / (1 + e^(−x))
// with logit x, target t, and p what a positive target of the channel weighs; scale is 1 / (the number of elements
// that count) for a mean and 1 for a sum.
//
// prediction: the quads of an activation, [sample][pixel][quad].
// expected: the targets, laid out alike in f32.
// pos_weights: one f32 a channel, as quads.
// step: the state of the step. Samples from `samples` on are padding; their gradient is zero.
// grad_prediction: laid out alike, in f32 however the prediction is stored: it may be scaled before it is stored in
// less. Pad lanes are zero.
//
// An invocation of n takes every n-th quad: the kernel is bound by memory, and neighbours read and write it in one
// piece.

const WORKGROUP = 64u;
const LANES = vec4<u32>(0u, 1u, 2u, 3u);

// Quads of one sample.
override SAMPLE_QUADS: u32;
// Elements of one sample.
override PREDICTIONS: u32;
override MEAN: bool;
override CHANNELS: u32;

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
@group(0) @binding(2) var<storage, read> pos_weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> grad_prediction: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> step: StepState;
// The number of samples, padding included.
@group(0) @binding(5) var<uniform> batch: u32;

fn gradient(index: u32) -> vec4<f32> {
    let quads = (CHANNELS + 3u) / 4u;
    let quad = index % quads;
    let x = load(prediction[index]);
    let t = expected[index];
    // Only exponents up to zero: e^|x| would overflow. Both sigmoids are exact; one minus the other would not be.
    let small = exp(-abs(x));
    let is_positive = x >= vec4<f32>();
    let sigmoid = select(small, vec4(1.0), is_positive) / (1.0 + small);
    let complement = select(vec4(1.0), small, is_positive) / (1.0 + small);
    let gradients = (1.0 - t) * sigmoid - pos_weights[quad] * t * complement;
    return select(vec4<f32>(), gradients, quad * 4u + LANES < vec4(CHANNELS));
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
