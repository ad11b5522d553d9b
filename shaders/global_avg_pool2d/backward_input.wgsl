// Global average pooling, gradient to the input: grad_x[n, pixel, c] = grad_y[n, c] / PIXELS.
//
// Bindings: grad_y is quads, n·Q + q; grad_x is NHWC quads, (n·PIXELS + pixel)·Q + q.
// An invocation of n takes every n-th quad of grad_x; neighbours write side by side, and what they read is small
// and cached.

override PIXELS: u32; // pixels of a sample
override Q: u32; // quads of channels

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

@group(0) @binding(0) var<storage, read> grad_y: array<Quad>;
@group(0) @binding(1) var<storage, read_write> grad_x: array<Quad>;
// The number of quads of grad_x.
@group(0) @binding(2) var<uniform> quads: u32;

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) invocation: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
) {
    for (var quad = invocation.x; quad < quads; quad += workgroups.x * 64u) {
        let grad = load(grad_y[quad / (PIXELS * Q) * Q + quad % Q]);
        grad_x[quad] = store(grad / f32(PIXELS));
    }
}
