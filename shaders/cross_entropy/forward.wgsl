// Softmax cross-entropy, forward: the loss of each row (a pixel of a sample) and its softmax.
//   top = max x_c,  log_sum = log Σ e^(x_c − top),  −log p_c = (top − x_c) + log_sum
//   loss = (1 − ε) w_y (−log p_y) + ε / C · Σ w_c (−log p_c)
// with classes c = 0 .. C − 1, label y, class weights w and label smoothing ε, as PyTorch has it.
// Top and log_sum are kept apart: their sum would round away what small differences are made of.
//
// prediction: the quads of an activation of CLASSES channels, [row][quad].
// labels: one i32 a row.
// class_weights: one f32 a class, as quads; zero in the pad lanes.
// step: the state of the step. Rows of samples from `samples` on are padding; they do not count, nor
// do rows whose label is IGNORE_INDEX (or no class at all; the host lets none through).
// rows: (top, log_sum, weight w_y, 1 + y if it counts and 0 if not) of each row, for the backward pass; and behind
// them for each workgroup the sums over its rows of (loss, weight w_y, predictions that are right, rows that count).
//
// A workgroup owns 64 / lanes rows, whose invocations go through the classes of a row in turn, twice, are joined as a fixed
// tree, and then with those of the other rows. Few classes are too little to share.

const WORKGROUP = 64u;
const IN_QUAD = vec4<u32>(0u, 1u, 2u, 3u);
const LOWEST = -3.4028234e38;

override CLASSES: u32;
// Rows of one sample.
override PIXELS: u32;
override LABEL_SMOOTHING: f32;
override IGNORE_INDEX: i32;
// Σ w_c
override CLASS_WEIGHT_SUM: f32;

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
@group(0) @binding(3) var<storage, read_write> rows: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> step: StepState;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> sums: array<vec4<f32>, WORKGROUP>;
// Of each invocation's part of a row: its largest logit, and whether none of them beats the label's.
var<workgroup> tops: array<f32, WORKGROUP>;
var<workgroup> rights: array<u32, WORKGROUP>;
// Σ e^(x_c − top) and Σ w_c (top − x_c).
var<workgroup> parts: array<vec2<f32>, WORKGROUP>;

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
    let is_class = labels[row] >= 0 && labels[row] < i32(CLASSES);
    let counts = row / PIXELS < step.samples && is_class && labels[row] != IGNORE_INDEX;
    let label = select(0u, u32(labels[row]), counts);
    let own_quad = load(prediction[first + label / 4u]);
    let own = own_quad[label % 4u];

    // The prediction is the first of the largest logits: what comes before the label must be less.
    var largest = vec4(LOWEST);
    var is_right = true;
    for (var quad = lane; quad < quads; quad += params.lanes) {
        let logits = load(prediction[first + quad]);
        let classes = quad * 4u + IN_QUAD;
        let is_pad = classes >= vec4(CLASSES);
        largest = max(largest, select(logits, vec4(LOWEST), is_pad));
        let loses = (logits < vec4(own)) | ((logits == vec4(own)) & (classes >= vec4(label)));
        is_right = is_right && all(loses | is_pad);
    }
    tops[invocation] = max(max(largest.x, largest.y), max(largest.z, largest.w));
    rights[invocation] = u32(is_right);
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if lane < half {
            tops[invocation] = max(tops[invocation], tops[invocation + half]);
            rights[invocation] &= rights[invocation + half];
        }
        workgroupBarrier();
    }
    let top = tops[invocation - lane];

    var exponentials = vec4<f32>();
    var smoothing = vec4<f32>();
    for (var quad = lane; quad < quads; quad += params.lanes) {
        let below = load(prediction[first + quad]) - top;
        let is_pad = quad * 4u + IN_QUAD >= vec4(CLASSES);
        exponentials += select(exp(below), vec4<f32>(), is_pad);
        smoothing -= select(class_weights[quad] * below, vec4<f32>(), is_pad);
    }
    parts[invocation] = vec2(
        exponentials.x + exponentials.y + exponentials.z + exponentials.w,
        smoothing.x + smoothing.y + smoothing.z + smoothing.w,
    );
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if lane < half {
            parts[invocation] += parts[invocation + half];
        }
        workgroupBarrier();
    }

    var measured = vec4<f32>();
    if is_row && lane == 0u {
        let log_sum = log(parts[invocation].x);
        let weight = class_weights[label / 4u][label % 4u];
        rows[row] = vec4(top, log_sum, weight, select(0.0, 1.0 + f32(label), counts));
        var loss = (1.0 - LABEL_SMOOTHING) * weight * ((top - own) + log_sum);
        // Not with ε = 0: a logit of −∞ has an infinite loss, and zero times that is NaN.
        if LABEL_SMOOTHING > 0.0 {
            loss += LABEL_SMOOTHING / f32(CLASSES) * (parts[invocation].y + CLASS_WEIGHT_SUM * log_sum);
        }
        if counts {
            measured = vec4(loss, weight, f32(rights[invocation]), 1.0);
        }
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
        rows[row_count + group] = sums[0];
    }
}
