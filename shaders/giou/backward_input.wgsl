// Generalised intersection over union of boxes, backward: the gradient to each side of the predicted box,
//   grad = scale · (A' k − I' (k + 1 / (U + ε)) + C' (U + ε) / (C + ε)²),   k = I / (U + ε)² − 1 / (C + ε)
// with I, U and C as in the forward pass and A the area of the predicted box; A', I' and C' are how they change
// with the side. Where the sides of both boxes coincide, it counts by half for the smaller and the larger of them.
// scale is 1 / (the number of boxes that count) for a mean and 1 for a sum.
//
// prediction: boxes (x1, y1, x2, y2), [sample][pixel].
// expected: the targets, laid out alike in f32.
// step: the state of the step. Samples from `samples` on are padding; their gradient is zero.
// grad_prediction: laid out alike, in f32 however the prediction is stored: it may be scaled before it is stored in
// less.
//
// An invocation of n takes every n-th box: the kernel is bound by memory, and neighbours read and write it in one
// piece.

const WORKGROUP = 64u;

// Quads of one sample.
override SAMPLE_QUADS: u32;
// Boxes of one sample.
override PREDICTIONS: u32;
override MEAN: bool;
override EPS: f32;

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

// How the larger of a and b changes with a.
fn share(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return select(select(vec2<f32>(), vec2(0.5), a == b), vec2(1.0), a > b);
}

fn gradient(index: u32) -> vec4<f32> {
    let box = load(prediction[index]);
    let truth = expected[index];
    let overlap = min(box.zw, truth.zw) - max(box.xy, truth.xy);
    let around = max(box.zw, truth.zw) - min(box.xy, truth.xy);
    let sides = box.zw - box.xy;
    let truth_sides = truth.zw - truth.xy;
    let overlaps = all(overlap > vec2<f32>());
    let intersection = select(0.0, overlap.x * overlap.y, overlaps);
    let union_eps = sides.x * sides.y + truth_sides.x * truth_sides.y - intersection + EPS;
    let hull_eps = around.x * around.y + EPS;

    // An area changes with a side by the length across: less of it for the lower sides, more for the upper.
    let lower = share(box.xy, truth.xy);
    let upper = share(truth.zw, box.zw);
    let by_area = vec4(-sides.yx, sides.yx);
    let by_intersection = select(vec4<f32>(), vec4(-lower, upper) * overlap.yxyx, overlaps);
    let by_hull = vec4(lower - 1.0, 1.0 - upper) * around.yxyx;

    // Divided twice rather than by a square, which may vanish.
    let k = intersection / union_eps / union_eps - 1.0 / hull_eps;
    return by_area * k - by_intersection * (k + 1.0 / union_eps) + by_hull * (union_eps / hull_eps / hull_eps);
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
