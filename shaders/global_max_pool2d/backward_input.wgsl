// Global max pooling, gradient to the input: grad_x[n, pixel, c] = grad_y[n, c] where the pixel is the maximum of its
// channel, else 0.
//
// Bindings: taps is what adaptive_max_pool2d/forward.wgsl kept for the quads of grad_y: a word of four bytes a quad
// (TAP_WORDS = 1), or four words. grad_y is quads, n·Q + q; grad_x is NHWC quads, (n·PIXELS + pixel)·Q + q.
// An invocation of n takes every n-th quad of grad_x; neighbours write side by side, and what they read is small
// and cached.

override PIXELS: u32; // pixels of a sample
override Q: u32; // quads of channels
override TAP_WORDS: u32; // words that the taps of a quad take: 1 or 4

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

@group(0) @binding(0) var<storage, read> taps: array<u32>;
@group(0) @binding(1) var<storage, read> grad_y: array<Quad>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<Quad>;
// The number of quads of grad_x.
@group(0) @binding(3) var<uniform> quads: u32;

fn winners(quad: u32) -> vec4u {
    if TAP_WORDS == 1u {
        return (vec4u(taps[quad]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
    }
    return vec4u(taps[4u * quad], taps[4u * quad + 1u], taps[4u * quad + 2u], taps[4u * quad + 3u]);
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) invocation: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
) {
    // Few invocations stay with a sample and its channels for many pixels.
    var known = 0xffffffffu;
    var won = vec4u();
    var grad = vec4f();
    for (var quad = invocation.x; quad < quads; quad += workgroups.x * 64u) {
        let window = quad / (PIXELS * Q) * Q + quad % Q;
        if window != known {
            won = winners(window);
            grad = load(grad_y[window]);
            known = window;
        }
        let pixel = quad / Q % PIXELS;
        grad_x[quad] = store(select(vec4f(), grad, won == vec4u(pixel)));
    }
}
