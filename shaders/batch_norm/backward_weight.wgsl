// Batch normalisation, backward: joins the ranges' sums to the gradients of weight and bias, and to the means that
// the gradient to the input subtracts:
//
//   grad_bias = Σ grad_output,   grad_weight = Σ grad_output · x̂
//   mean(g) = weight · grad_bias / n,   mean(g · x̂) = weight · grad_weight / n
//
// bias_parts, weight_parts  [splits][quads] vec4, from common/normalize_backward_weight.wgsl
// weight       [quads] vec4, read where AFFINE; otherwise 1
// step         the state of the step, for the number of samples
// means        [quads]: mean(g) and mean(g · x̂)
// grad_weight, grad_bias    [quads] vec4
//
// A workgroup of 64 owns 64 / lanes neighbouring quads; the lanes of a quad take its ranges in turn and are summed as
// a fixed tree.

const WORKGROUP = 64u;

override AFFINE: bool;

struct StepState {
    seed_low: u32,
    seed_high: u32,
    step: u32,
    samples: u32,
}

struct Means {
    grad: vec4<f32>,
    product: vec4<f32>,
}

struct Params {
    // Quads of a pixel.
    quads: u32,
    // Pixels of a sample.
    sample_pixels: u32,
    splits: u32,
    // A power of two, at most 64.
    lanes: u32,
}

@group(0) @binding(0) var<storage, read> bias_parts: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight_parts: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> step: StepState;
@group(0) @binding(4) var<storage, read_write> means: array<Means>;
@group(0) @binding(5) var<storage, read_write> grad_weight: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> grad_bias: array<vec4<f32>>;
@group(0) @binding(7) var<uniform> params: Params;

struct Sums {
    bias: vec4<f32>,
    weight: vec4<f32>,
}

var<workgroup> parts: array<Sums, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let columns = WORKGROUP / params.lanes;
    let lane = local / columns;
    let q = (workgroup.x + workgroup.y * workgroups.x) * columns + local % columns;
    let is_inside = q < params.quads;

    var own = Sums(vec4<f32>(), vec4<f32>());
    if is_inside {
        for (var split = lane; split < params.splits; split += params.lanes) {
            own.bias += bias_parts[split * params.quads + q];
            own.weight += weight_parts[split * params.quads + q];
        }
    }
    parts[local] = own;
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if lane < half {
            let other = parts[local + half * columns];
            parts[local].bias += other.bias;
            parts[local].weight += other.weight;
        }
        workgroupBarrier();
    }
    if is_inside & (lane == 0u) {
        let all = parts[local];
        let scale = select(vec4(1.0), weight[select(0u, q, AFFINE)], AFFINE) / f32(max(step.samples * params.sample_pixels, 1u));
        means[q] = Means(scale * all.bias, scale * all.weight);
        grad_weight[q] = all.weight;
        grad_bias[q] = all.bias;
    }
}
