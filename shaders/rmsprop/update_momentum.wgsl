// RMSprop (Tieleman and Hinton 2012) with momentum, PyTorch's rule:
//   gradient += WEIGHT_DECAY · parameter
//   square = ALPHA · square + (1 − ALPHA) · gradient²
//   velocity = MOMENTUM · velocity + gradient / (√square + EPS)
//   parameter −= learning_rate · velocity
//
// parameters, gradients, squares, velocities: quads, laid out alike; padding is zero in all and stays so.
// step: the state of the step, for its learning rate.
// control: the factor of the gradients, and whether this step is left out.
// An invocation of n takes every n-th quad: the kernel is bound by memory, which neighbours on neighbouring quads
// read and write in one piece, and more invocations than reach its speed would only cost their start.

const WORKGROUP = 64u;

override ALPHA: f32;
override MOMENTUM: f32;
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
}

@group(0) @binding(0) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> squares: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> step: StepState;
@group(0) @binding(5) var<uniform> control: UpdateControl;
// The number of quads.
@group(0) @binding(6) var<uniform> quads: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    if control.skip != 0u {
        return;
    }
    for (var index = invocation.x; index < quads; index += workgroups.x * WORKGROUP) {
        let parameter = parameters[index];
        let gradient = control.gradient_scale * gradients[index] + WEIGHT_DECAY * parameter;
        let square = ALPHA * squares[index] + (1.0 - ALPHA) * gradient * gradient;
        squares[index] = square;
        let velocity = MOMENTUM * velocities[index] + gradient / (sqrt(square) + EPS);
        velocities[index] = velocity;
        parameters[index] = parameter - step.learning_rate * velocity;
    }
}
