// Sigmoid focal loss, backward: the gradient to each element of the prediction,
//   grad = scale · α_t · m^γ · ((1 − t) σ(x) − t σ(−x) + γ · ce · (1 − 2 t) σ(x) σ(−x) / m)
// with logit x and target t, where
//   α_t = α t + (1 − α) (1 − t), or 1 where α is negative
//   m   = (1 − t) σ(x) + t σ(−x),   σ(x) = 1 / (1 + e^(−x))
//   ce  = (1 − t) softplus(x) + t softplus(−x),   softplus(x) = max(x, 0) + log(1 + e^(−|x|))
// The last fraction counts as 0 where m is 0; scale is 1 / (the number of elements that count) for a mean and 1 for
// a sum.
//
// prediction: the quads of an activation, [sample][pixel][quad].
// expected: the targets, laid out alike in f32.
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
override GAMMA: f32;
// None where it is negative.
override ALPHA: f32;

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

// log(1 + t) for t from 0 to 1: 2 artanh(t / (2 + t)) as a series, which keeps its precision where t is small.
fn log_one_plus(t: vec4<f32>) -> vec4<f32> {
    let s = t / (2.0 + t);
    let q = s * s;
    var series = q * (1.0 / 13.0) + 1.0 / 11.0;
    series = q * series + 1.0 / 9.0;
    series = q * series + 1.0 / 7.0;
    series = q * series + 1.0 / 5.0;
    series = q * series + 1.0 / 3.0;
    return 2.0 * (s + s * q * series);
}

// base^exponent for base ≥ 0, the exponent being a constant of the pipeline. What a product or a root gives is taken
// from it, not only because it is nearer: Mesa 22.3's OpenGL compiles exp2(2 · log2(v)) to v.xxxx · v.xxxx, and
// likewise for 4. The logarithm of 0 is not to be relied on.
fn power(base: vec4<f32>, exponent: f32) -> vec4<f32> {
    if exponent == 0.0 {
        return vec4(1.0);
    }
    if exponent == 0.5 {
        return sqrt(base);
    }
    if exponent == 1.0 {
        return base;
    }
    if exponent == 2.0 {
        return base * base;
    }
    if exponent == 4.0 {
        let square = base * base;
        return square * square;
    }
    return select(exp2(exponent * log2(base)), vec4<f32>(), base == vec4<f32>());
}

fn gradient(index: u32) -> vec4<f32> {
    let channels = index % ((CHANNELS + 3u) / 4u) * 4u + LANES;
    let x = load(prediction[index]);
    let t = expected[index];
    let zero = vec4<f32>();
    // Only exponents up to zero: e^|x| would overflow. Both sigmoids are exact; one minus the other would not be.
    let small = exp(-abs(x));
    let is_positive = x >= zero;
    let sigmoid = select(small, vec4(1.0), is_positive) / (1.0 + small);
    let complement = select(vec4(1.0), small, is_positive) / (1.0 + small);
    let rest = log_one_plus(small);
    let cross_entropy = (1.0 - t) * (max(x, zero) + rest) + t * (max(-x, zero) + rest);
    let miss = (1.0 - t) * sigmoid + t * complement;
    let alpha = select(ALPHA * t + (1.0 - ALPHA) * (1.0 - t), vec4(1.0), ALPHA < 0.0);
    // m' / m, so that m is never raised to γ − 1, which may be negative.
    let slope = select((1.0 - 2.0 * t) * sigmoid * complement / miss, zero, miss == zero);
    let own = (1.0 - t) * sigmoid - t * complement;
    let gradients = alpha * power(miss, GAMMA) * (own + GAMMA * cross_entropy * slope);
    return select(zero, gradients, channels < vec4(CHANNELS));
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
