// Local response normalisation, forward:
//
//   y_c = x_c · (K + SCALE · Σ x_j²)^(−BETA) over the channels j from c − BEFORE to c + AFTER of the same pixel
//
// Bindings: x and y are the quads of an activation of CHANNELS channels, [pixel][quad]. Zero in the pad lanes of y.
// An invocation of n takes every n-th quad: what it reads besides its own are its neighbours', out of the cache.

const WORKGROUP = 64u;
const QUAD = vec4<u32>(0u, 1u, 2u, 3u);

override CHANNELS: u32;
override BEFORE: u32; // channels of a window before its own, at most CHANNELS
override AFTER: u32; // channels of a window after its own, at most CHANNELS
override SCALE: f32; // α / size
override BETA: f32;
override K: f32;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read_write> y: array<Quad>;
// The number of quads.
@group(0) @binding(2) var<uniform> quads: u32;

// Which of the channels of quad q have `channel` within `before` channels before and `after` after them.
fn holds(q: u32, channel: u32, before: u32, after: u32) -> vec4<bool> {
    let own = 4u * q + QUAD;
    return (vec4(channel + before) >= own) & (vec4(channel) <= own + after);
}

// Adds up, for each of the channels of quad q, those of the four channels of `quad` that are so near.
fn within(values: vec4<f32>, quad: u32, q: u32, before: u32, after: u32) -> vec4<f32> {
    let channel = 4u * quad;
    return select(vec4<f32>(), vec4(values.x), holds(q, channel, before, after))
        + select(vec4<f32>(), vec4(values.y), holds(q, channel + 1u, before, after))
        + select(vec4<f32>(), vec4(values.z), holds(q, channel + 2u, before, after))
        + select(vec4<f32>(), vec4(values.w), holds(q, channel + 3u, before, after));
}

// The quads with channels within `before` before and `after` after those of quad q: the first, and one past the last.
fn reach(q: u32, before: u32, after: u32) -> vec2<u32> {
    let quads = (CHANNELS + 3u) / 4u;
    return vec2((max(4u * q, before) - before) / 4u, min((4u * q + 3u + after) / 4u + 1u, quads));
}

// The divisors before they are raised to the power, of the channels of quad q whose pixel begins at quad `first`.
fn divisor(first: u32, q: u32) -> vec4<f32> {
    let quads = reach(q, BEFORE, AFTER);
    var squares = vec4<f32>();
    for (var quad = quads.x; quad < quads.y; quad++) {
        let value = load(x[first + quad]);
        squares += within(value * value, quad, q, BEFORE, AFTER);
    }
    return K + SCALE * squares;
}

// divisor^(−β), 0 for a divisor of 0. Roots give the usual exponents, nearer than a logarithm would.
fn inverse_power(divisor: vec4<f32>) -> vec4<f32> {
    let is_zero = divisor == vec4<f32>();
    let base = select(divisor, vec4(1.0), is_zero);
    var power = vec4(
        inverse_power_of_one(base.x),
        inverse_power_of_one(base.y),
        inverse_power_of_one(base.z),
        inverse_power_of_one(base.w),
    );
    if BETA == 0.5 {
        power = inverseSqrt(base);
    }
    if BETA == 0.75 {
        power = inverseSqrt(base) * sqrt(inverseSqrt(base));
    }
    if BETA == 1.0 {
        power = 1.0 / base;
    }
    return select(power, vec4<f32>(), is_zero);
}

// For each channel by itself: Mesa 22.3's OpenGL computes only the first of exp2(c · log2(v)).
fn inverse_power_of_one(base: f32) -> f32 {
    return exp2(-BETA * log2(base));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < quads; index += workgroups.x * WORKGROUP) {
        let q = index % ((CHANNELS + 3u) / 4u);
        let first = index - q;
        let is_channel = 4u * q + QUAD < vec4(CHANNELS);
        let value = load(x[index]) * inverse_power(divisor(first, q));
        y[index] = store(select(vec4<f32>(), value, is_channel));
    }
}
