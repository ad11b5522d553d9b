// Binary cross-entropy of logits, forward: the sum over the elements that count of
//   loss = (1 − t) softplus(x) + p t softplus(−x),   softplus(x) = log(1 + e^x) = max(x, 0) + log(1 + e^(−|x|))
// with logit x, target t, and p what a positive target of the channel weighs.
//
// prediction: the quads of an activation, [sample][pixel][quad].
// expected: the targets, laid out alike in f32.
// pos_weights: one f32 a channel, as quads.
// step: the state of the step. Samples from `samples` on are padding; they do not count.
// partials: for each workgroup (the sum of its losses, count, 0, count). The first workgroup states the number of
// elements that count for all of them; it is 0 for the others.
//
// A workgroup owns 1,024 quads in a row, an invocation every 64th of them, so that neighbours read neighbours. The
// sums of the invocations are joined as a fixed tree. Pad lanes do not count: softplus(0) is not 0.

const WORKGROUP = 64u;
// The quads of an invocation.
const EACH = 16u;
const LANES = vec4<u32>(0u, 1u, 2u, 3u);

// Quads of one sample.
override SAMPLE_QUADS: u32;
// Elements of one sample.
override PREDICTIONS: u32;
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

struct Params {
    // The number of samples, padding included.
    batch: u32,
    // How many invocations join their sums: all of a workgroup. Were it a constant, drivers would write out the loop, and
    // those for processors take a tenth of a second for each barrier.
    lanes: u32,
}

@group(0) @binding(0) var<storage, read> prediction: array<Quad>;
@group(0) @binding(1) var<storage, read> expected: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> pos_weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> step: StepState;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> sums: array<f32, WORKGROUP>;

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

fn loss(index: u32) -> vec4<f32> {
    let quads = (CHANNELS + 3u) / 4u;
    let quad = index % quads;
    let x = load(prediction[index]);
    let t = expected[index];
    let zero = vec4<f32>();
    // Only exponents up to zero: e^|x| would overflow.
    let rest = log_one_plus(exp(-abs(x)));
    let losses = (1.0 - t) * (max(x, zero) + rest) + pos_weights[quad] * t * (max(-x, zero) + rest);
    return select(zero, losses, quad * 4u + LANES < vec4(CHANNELS));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let group = workgroup.x + workgroup.y * workgroups.x;
    let first = group * WORKGROUP * EACH;
    let samples = min(step.samples, params.batch);
    let end = min(first + WORKGROUP * EACH, samples * SAMPLE_QUADS);
    var sum = vec4<f32>();
    for (var index = first + invocation; index < end; index += WORKGROUP) {
        sum += loss(index);
    }
    sums[invocation] = sum.x + sum.y + sum.z + sum.w;
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            sums[invocation] += sums[invocation + half];
        }
        workgroupBarrier();
    }
    // A folded dispatch has workgroups too many; those have no quad.
    if invocation == 0u && first < params.batch * SAMPLE_QUADS {
        let count = select(0.0, f32(samples * PREDICTIONS), group == 0u);
        partials[group] = vec4(sums[0], count, 0.0, count);
    }
}
