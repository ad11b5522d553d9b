// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) as AMSGrad (Reddi, Kale and Kumar 2018, arXiv:1904.09237),
// PyTorch's rule:
//   parameter *= 1 − learning_rate · WEIGHT_DECAY
//   mean   = BETA1 · mean + (1 − BETA1) · gradient
//   square = BETA2 · square + (1 − BETA2) · gradient²
//   largest = max(largest, square)
//   parameter −= learning_rate · mean / (1 − BETA1^n) / (√(largest / (1 − BETA2^n)) + EPS)
// n being the number of steps taken with this one; those that are left out do not count.
//
// parameters, gradients, means, squares, largest: quads, laid out alike; padding is zero in all and stays so.
// step: the state of the step, for its number and learning rate.
// control: the factor of the gradients, and whether and how many steps are left out.
// Five storage buffers, more than the least of devices bind: its state is of three tensors.
// An invocation of n takes every n-th quad: the kernel is bound by memory, which neighbours on neighbouring quads
// read and write in one piece, and more invocations than reach its speed would only cost their start.

const WORKGROUP = 64u;

override BETA1: f32;
override BETA2: f32;
// Their natural logarithms.
override LOG_BETA1: f32;
override LOG_BETA2: f32;
override EPS: f32;
override WEIGHT_DECAY: f32;

struct StepState {
    seed_low: u32,
    seed_high: u32,
    step: u32,
    samples: u32,
    learning_rate: f32,
}

struct UpdateControl {
    gradient_scale: f32,
    skip: u32,
    skipped: u32,
}

@group(0) @binding(0) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> means: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> squares: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> largest: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> step: StepState;
@group(0) @binding(6) var<uniform> control: UpdateControl;
// The number of quads.
@group(0) @binding(7) var<uniform> quads: u32;

// 1 − β^n from log β. Where β^n is close to 1 the difference would keep no digits: there by Taylor's series.
fn one_minus_power(log_beta: f32, n: f32) -> f32 {
    let x = -n * log_beta;
    let inner = 1.0 - x / 5.0 * (1.0 - x / 6.0 * (1.0 - x / 7.0 * (1.0 - x / 8.0)));
    let series = x * (1.0 - x / 2.0 * (1.0 - x / 3.0 * (1.0 - x / 4.0 * inner)));
    return select(1.0 - exp(-x), series, x < 0.5);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    if control.skip != 0u {
        return;
    }
    let steps = f32(step.step - control.skipped) + 1.0;
    let correction = one_minus_power(LOG_BETA2, steps);
    let rate = step.learning_rate / one_minus_power(LOG_BETA1, steps);
    for (var index = invocation.x; index < quads; index += workgroups.x * WORKGROUP) {
        let parameter = parameters[index];
        let gradient = control.gradient_scale * gradients[index];
        let mean = BETA1 * means[index] + (1.0 - BETA1) * gradient;
        let square = BETA2 * squares[index] + (1.0 - BETA2) * gradient * gradient;
        means[index] = mean;
        squares[index] = square;
        let before = largest[index];
        // By their bits, since a NaN is to be seen: neither is negative, and NaN is more than infinity.
        let most = bitcast<vec4<f32>>(max(bitcast<vec4<u32>>(square), bitcast<vec4<u32>>(before)));
        largest[index] = most;
        let root = sqrt(most / correction) + EPS;
        let decayed = (1.0 - step.learning_rate * WEIGHT_DECAY) * parameter;
        parameters[index] = decayed - rate * mean / root;
    }
}
