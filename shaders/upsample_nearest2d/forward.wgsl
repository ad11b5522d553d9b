// Resampling by the nearest pixel, forward:
//
//   output[n, y, x, c] = input[n, source(y), source(x), c],  source(i) = ⌊(FACTOR · i + SHIFT) / DIVISOR⌋
//
// along each axis, or the first or the last pixel where that is none. SHIFT may be negative; all products fit in an
// i32.
//
// Bindings: input and output are NHWC quads, ((n·H + y)·W + x)·Q + q, of H x W and of OH x OW pixels.
// An invocation of n takes every n-th quad of the output: the kernel is bound by memory, and neighbours write
// neighbouring quads. Quads are moved whole.

const WORKGROUP = 64u;

override H: u32;
override W: u32;
override Q: u32;
override OH: u32;
override OW: u32;
override FACTOR_Y: i32;
override SHIFT_Y: i32;
override DIVISOR_Y: i32;
override FACTOR_X: i32;
override SHIFT_X: i32;
override DIVISOR_X: i32;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read_write> output: array<Quad>;
@group(0) @binding(2) var<uniform> batch: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < batch * OH * OW * Q; index += workgroups.x * WORKGROUP) {
        let q = index % Q;
        let place_x = FACTOR_X * i32(index / Q % OW) + SHIFT_X;
        let place_y = FACTOR_Y * i32(index / (Q * OW) % OH) + SHIFT_Y;
        let x = min(u32(max(place_x, 0) / DIVISOR_X), W - 1u);
        let y = min(u32(max(place_y, 0) / DIVISOR_Y), H - 1u);
        let n = index / (Q * OW * OH);
        output[index] = input[((n * H + y) * W + x) * Q + q];
    }
}
