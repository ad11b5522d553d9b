// Negative log-likelihood, backward: the gradient to each log-probability,
//   grad_c = −scale · w_y where c = y and 0 elsewhere
// with label y, class weights w, and scale 1 / Σ weight for a mean and 1 for a sum. Rows that do not count get zero.
//
// labels, class_weights, step: as in the forward pass.
// result: (loss, weight, right, count), from the forward pass.
// grad_prediction: the quads of CLASSES channels, [row][quad], in f32 however activations are stored: it may be
// scaled before it is stored in less. Pad lanes are zero.
//
// An invocation of n takes every n-th quad, which are written in one piece.

const WORKGROUP = 64u;
const LANES = vec4<u32>(0u, 1u, 2u, 3u);

override CLASSES: u32;
// Rows of one sample.
override PIXELS: u32;
override IGNORE_INDEX: i32;
override MEAN: bool;

struct StepState {
    seed_low: u32,
    seed_high: u32,
    step: u32,
    samples: u32,
}

@group(0) @binding(0) var<storage, read> labels: array<i32>;
@group(0) @binding(1) var<storage, read> class_weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> grad_prediction: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> step: StepState;
@group(0) @binding(4) var<uniform> result: vec4<f32>;
// The number of samples, padding included.
@group(0) @binding(5) var<uniform> batch: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let quads = (CLASSES + 3u) / 4u;
    for (var index = invocation.x; index < batch * PIXELS * quads; index += workgroups.x * WORKGROUP) {
        let row = index / quads;
        let quad = index % quads;
        let label = labels[row];
        let is_class = (label >= 0) & (label < i32(CLASSES)) & (label != IGNORE_INDEX);
        let counts = (row / PIXELS < step.samples) & is_class;
        let is_label = (quad * 4u + LANES == vec4(u32(label))) & vec4(counts);
        let scale = select(1.0, 1.0 / result.y, MEAN);
        grad_prediction[index] = select(vec4<f32>(), -scale * class_weights[quad], is_label);
    }
}
