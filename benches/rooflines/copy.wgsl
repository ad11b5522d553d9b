// The bandwidth of memory: output = input, 16 bytes at a time.
//
// input, output: [quad].
// A workgroup has 64 invocations and owns `steps` times 256 quads in a row. In a step an invocation loads four quads,
// 64 apart so that neighbours read in one piece, and stores them. Few workgroups of many steps suit a device on which an
// invocation costs time to start, many of few steps one that has thousands at work.

// Where kernels read in words of 64 bits, two of them are tried as well.
alias Quad = vec4<f32>;

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read_write> output: array<Quad>;
@group(0) @binding(2) var<uniform> steps: u32;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let first = workgroup.x * steps * 256u + invocation;
    for (var step = 0u; step < steps; step++) {
        let at = first + step * 256u;
        let a = input[at];
        let b = input[at + 64u];
        let c = input[at + 128u];
        let d = input[at + 192u];
        output[at] = a;
        output[at + 64u] = b;
        output[at + 128u] = c;
        output[at + 192u] = d;
    }
}
