// Padding with an image's own pixels, forward:
//
//   output[n, y, x, c] = input[n, source(y − TOP), source(x − LEFT), c]
//
// where source(i) of an axis of `size` is the nearest of 0 .. size − 1 (REPLICATE), or i mirrored at 0 and at
// size − 1, neither of which is repeated. Padding is less than the size then, so that one mirror is enough.
//
// Bindings: input and output are NHWC quads, ((n·H + y)·W + x)·Q + q, of H x W and of OH x OW pixels.
// An invocation of n takes every n-th quad of the output: the kernel is bound by memory, and neighbours read and
// write neighbouring quads. Quads are moved whole.

const WORKGROUP = 64u;

override H: u32;
override W: u32;
override Q: u32;
override OH: u32;
override OW: u32;
override TOP: u32;
override LEFT: u32;
override REPLICATE: bool;

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

fn source(place: u32, before: u32, size: u32) -> u32 {
    let i = i32(place) - i32(before);
    let last = i32(size) - 1;
    return u32(select(last - abs(last - abs(i)), clamp(i, 0, last), REPLICATE));
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < batch * OH * OW * Q; index += workgroups.x * WORKGROUP) {
        let q = index % Q;
        let x = source(index / Q % OW, LEFT, W);
        let y = source(index / (Q * OW) % OH, TOP, H);
        let n = index / (Q * OW * OH);
        output[index] = input[((n * H + y) * W + x) * Q + q];
    }
}
