// Softmax cross-entropy, backward: the gradient of the loss to each logit,
//   grad_c = scale · ((1 − ε) w_y (p_c − [c = y]) + ε / C · (p_c Σ w − w_c)),   p_c = e^(x_c − top − log_sum)
// with scale = 1 / Σ weight for a mean and 1 for a sum. Rows that do not count get zero.
//
// prediction, class_weights: as in the forward pass.
// rows: (top, log_sum, weight w_y, 1 + y if it counts and 0 if not) of each row, from the forward pass.
// result: (loss, weight, right, count), from the forward pass.
// grad_prediction: the quads of CLASSES channels, [row][quad], in f32 however activations are stored: it may be
// scaled before it is stored in less. Pad lanes are zero.
//
// An invocation of n takes every n-th quad: the forward pass has left nothing to sum.

const WORKGROUP = 64u;
const LANES = vec4<u32>(0u, 1u, 2u, 3u);

override CLASSES: u32;
// Rows of one sample.
override PIXELS: u32;
override LABEL_SMOOTHING: f32;
// Σ w_c
override CLASS_WEIGHT_SUM: f32;
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

@group(0) @binding(0) var<storage, read> prediction: array<Quad>;
@group(0) @binding(1) var<storage, read> class_weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> rows: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> grad_prediction: array<vec4<f32>>;
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
        let measured = rows[row];
        // Not a product with zero: a row that does not count may hold anything.
        if measured.w == 0.0 {
            grad_prediction[index] = vec4<f32>();
            continue;
        }

        let quad = index % quads;
        let classes = quad * 4u + LANES;
        let probability = exp((load(prediction[index]) - measured.x) - measured.y);
        let one_hot = select(vec4<f32>(), vec4(1.0), classes == vec4(u32(measured.w) - 1u));
        let smoothing = CLASS_WEIGHT_SUM * probability - class_weights[quad];
        let grad = (1.0 - LABEL_SMOOTHING) * measured.z * (probability - one_hot)
            + LABEL_SMOOTHING / f32(CLASSES) * smoothing;
        let scale = select(1.0, 1.0 / result.y, MEAN);
        grad_prediction[index] = select(vec4<f32>(), grad * scale, classes < vec4(CLASSES));
    }
}
