// Resampling by the nearest pixel, forward:
//
//   output[n, y, x, c] = input[n, ⌊y · H / OH⌋, ⌊x · W / OW⌋, c]
//
// Bindings: input and output are NHWC quads, ((n·H + y)·W + x)·Q + q, of H x W and of OH x OW pixels.
// An invocation owns one quad of the output, a workgroup 256 in a row: the kernel is bound by memory, and neighbours
// write neighbouring quads. Quads are moved whole.

const WORKGROUP = 256u;

override H: u32;
override W: u32;
override Q: u32;
override OH: u32;
override OW: u32;

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
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let index = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP + invocation;
    if index >= batch * OH * OW * Q {
        return;
    }
    let q = index % Q;
    let x = index / Q % OW * W / OW;
    let y = index / (Q * OW) % OH * H / OH;
    let n = index / (Q * OW * OH);
    output[index] = input[((n * H + y) * W + x) * Q + q];
}
