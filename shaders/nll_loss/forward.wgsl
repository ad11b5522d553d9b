// Negative log-likelihood, forward: the sum over the rows (pixels of samples) that count of
//   loss = −w_y x_y
// with log-probabilities x, label y and class weights w.
//
// prediction: the quads of an activation of CLASSES channels, [row][quad].
// labels: one i32 a row.
// class_weights: one f32 a class, as quads.
// step: the state of the step. Rows of samples from `samples` on are padding; they do not count, nor
// do rows whose label is IGNORE_INDEX (or no class at all; the host lets none through).
// partials: for each workgroup the sums over its rows of (loss, weight w_y, predictions that are right,
// rows that count).
//
// A workgroup owns 64 / lanes rows, whose invocations go through the classes of a row in turn to see whether the prediction is
// right, are joined as a fixed tree, and then with those of the other rows. Few classes are too little to share.

const WORKGROUP = 64u;
const IN_QUAD = vec4<u32>(0u, 1u, 2u, 3u);

override CLASSES: u32;
// Rows of one sample.
override PIXELS: u32;
override IGNORE_INDEX: i32;

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
    // How many invocations share a row, a power of two. Were it a constant, drivers would write out the loops that join
    // them, and those for processors take a tenth of a second for each barrier.
    lanes: u32,
}

@group(0) @binding(0) var<storage, read> prediction: array<Quad>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> class_weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> partials: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> step: StepState;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> sums: array<vec4<f32>, WORKGROUP>;
// Of each invocation's part of a row: whether none of its scores beats the label's.
var<workgroup> rights: array<u32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let group = workgroup.x + workgroup.y * workgroups.x;
    let lane = invocation % params.lanes;
    let own_row = group * (WORKGROUP / params.lanes) + invocation / params.lanes;
    let row_count = params.batch * PIXELS;
    // Those past the last go along with it, and a folded dispatch has whole workgroups of them.
    let is_row = own_row < row_count;
    let row = min(own_row, row_count - 1u);
    let quads = (CLASSES + 3u) / 4u;
    let first = row * quads;
    let is_class = (labels[row] >= 0) & (labels[row] < i32(CLASSES)) & (labels[row] != IGNORE_INDEX);
    let counts = (row / PIXELS < step.samples) & is_class;
    let label = select(0u, u32(labels[row]), counts);
    let own_quad = load(prediction[first + label / 4u]);
    let own = own_quad[label % 4u];

    // The prediction is the first of the largest: what comes before the label must be less.
    var is_right = true;
    for (var quad = lane; quad < quads; quad += params.lanes) {
        let scores = load(prediction[first + quad]);
        let classes = quad * 4u + IN_QUAD;
        let loses = (scores < vec4(own)) | ((scores == vec4(own)) & (classes >= vec4(label)));
        is_right = is_right && all(loses | (classes >= vec4(CLASSES)));
    }
    rights[invocation] = u32(is_right);
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if lane < half {
            rights[invocation] &= rights[invocation + half];
        }
        workgroupBarrier();
    }

    var measured = vec4<f32>();
    if is_row && counts && lane == 0u {
        let weight = class_weights[label / 4u][label % 4u];
        measured = vec4(-weight * own, weight, f32(rights[invocation]), 1.0);
    }
    sums[invocation] = measured;
    workgroupBarrier();
    // Lane 0 of each row has what the row measured, the others zero.
    for (var half = WORKGROUP / 2u; half >= params.lanes; half /= 2u) {
        if invocation < half {
            sums[invocation] += sums[invocation + half];
        }
        workgroupBarrier();
    }
    if is_row && invocation == 0u {
        partials[group] = sums[0];
    }
}
