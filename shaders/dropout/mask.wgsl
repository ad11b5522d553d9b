// Dropout: output = input · mask, the mask being 0 with probability p and 1 / (1 − p) otherwise.
// The backward pass is the same product, grad_input = grad_output · mask, by this same kernel: the mask
// is not kept but generated again.
//
// input, output: the quads of an activation, [pixel][quad]. Pad lanes stay zero.
// step: the state of the step, for its seed and number.
// An invocation of n takes every n-th quad. One call of Philox yields four words, one for each lane.
//
// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011):
// key = the seed, counter = (quad, step, stream, 0). It needs no state, so the mask depends on nothing
// but these, and the CPU reference draws the same one.

const WORKGROUP = 64u;
const ROUNDS = 10u;
const MULTIPLIERS = vec2<u32>(0xD2511F53u, 0xCD9E8D57u);
const KEY_INCREMENTS = vec2<u32>(0x9E3779B9u, 0xBB67AE85u);

// A lane is kept where its word is at least round(p · 2³²).
override THRESHOLD: u32;
// 1 / (1 − p)
override SCALE: f32;
// The number of the layer.
override STREAM: u32;

struct StepState {
    seed_low: u32,
    seed_high: u32,
    step: u32,
}

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

struct Params {
    // The number of quads.
    quads: u32,
    // The number of quads of the batch before the first of these.
    first: u32,
}

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> step: StepState;
@group(0) @binding(2) var<storage, read_write> output: array<Quad>;
@group(0) @binding(3) var<uniform> params: Params;

// The high words of the 64-bit products. No sum of the halves' products overflows 32 bits.
fn multiply_high(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let a_low = a & vec2(0xffffu);
    let a_high = a >> vec2(16u);
    let b_low = b & vec2(0xffffu);
    let b_high = b >> vec2(16u);
    let cross = a_high * b_low + ((a_low * b_low) >> vec2(16u));
    let carry = a_low * b_high + (cross & vec2(0xffffu));
    return a_high * b_high + (cross >> vec2(16u)) + (carry >> vec2(16u));
}

fn philox(counter: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
    var word = counter;
    var key = seed;
    for (var round = 0u; round < ROUNDS; round++) {
        let high = multiply_high(MULTIPLIERS, word.xz);
        let low = MULTIPLIERS * word.xz;
        word = vec4(high.y ^ word.y ^ key.x, low.y, high.x ^ word.w ^ key.y, low.x);
        key += KEY_INCREMENTS;
    }
    return word;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < params.quads; index += workgroups.x * WORKGROUP) {
        let words = philox(vec4(params.first + index, step.step, STREAM, 0u), vec2(step.seed_low, step.seed_high));
        output[index] = store(select(vec4<f32>(), load(input[index]) * SCALE, words >= vec4(THRESHOLD)));
    }
}
