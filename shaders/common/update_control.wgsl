// What the updates of a step are told, from the sums of squares of all gradients:
//   norm           = √(Σ g²) / loss_scale
//   gradient_scale = min(1, MAX_NORM / (norm + 10^−6)) / loss_scale, without the minimum unless CLIP
//   loss_scale     = BACKOFF_FACTOR · loss_scale where a gradient is not finite, and this step is skipped;
//                    GROWTH_FACTOR · loss_scale after GROWTH_INTERVAL steps without that
// as PyTorch's clip_grad_norm_ and GradScaler have it (Micikevicius et al. 2018, arXiv:1710.03740). The loss scale
// stays within 2^−126 .. 2^126, so that its inverse is a normal number too. A step that is skipped leaves
// gradient_scale and gradient_norm as they were.
//
// partials: the parts of `sum_squares`.
// control: see UpdateControl; it is kept from step to step.
//
// One workgroup of 256 invocations does all: invocation i sums the partials i, i + 256, i + 512, …, and the sums are
// joined as a fixed tree. A partial stands for 256 quads or more, so that an invocation comes to 65,535 iterations only
// past 2^32 quads.

const WORKGROUP = 256u;
// What the large gradients were multiplied by before they were squared.
const UNIT = 0x1p-80f;
const SMALLEST_SCALE = 0x1p-126f;
const LARGEST_SCALE = 0x1p126f;

override CLIP: bool;
override MAX_NORM: f32;
override GROWTH_FACTOR: f32;
override BACKOFF_FACTOR: f32;
override GROWTH_INTERVAL: u32;

struct UpdateControl {
    gradient_scale: f32,
    skip: u32,
    skipped: u32,
    loss_scale: f32,
    growth_tracker: u32,
    gradient_norm: f32,
}

struct Params {
    // The number of partials.
    count: u32,
    // How many invocations join their sums: all of a workgroup. Were it a constant, drivers would write out the loop, and
    // those for processors take a tenth of a second for each barrier.
    lanes: u32,
}

@group(0) @binding(0) var<storage, read> partials: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> control: UpdateControl;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> sums: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) invocation: u32) {
    var sum = vec4<f32>();
    for (var i = invocation; i < params.count; i += WORKGROUP) {
        sum += partials[i];
    }
    sums[invocation] = sum;
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            sums[invocation] += sums[invocation + half];
        }
        workgroupBarrier();
    }
    if invocation > 0u {
        return;
    }

    let total = sums[0];
    let scale = control.loss_scale;
    if total.z > 0.0 {
        control.skip = 1u;
        control.skipped += 1u;
        control.growth_tracker = 0u;
        control.loss_scale = max(BACKOFF_FACTOR * scale, SMALLEST_SCALE);
        return;
    }
    control.skip = 0u;
    var norm = sqrt(total.x) / scale;
    if total.y > 0.0 {
        let others = UNIT * sqrt(total.x);
        norm = sqrt(others * others + total.y) * (1.0 / UNIT / scale);
    }
    control.gradient_norm = norm;
    control.gradient_scale = select(1.0, min(1.0, MAX_NORM / (norm + 1e-6)), CLIP) / scale;
    control.growth_tracker += 1u;
    if control.growth_tracker == GROWTH_INTERVAL {
        control.growth_tracker = 0u;
        let grown = GROWTH_FACTOR * scale;
        if grown <= LARGEST_SCALE {
            control.loss_scale = grown;
        }
    }
}
