// A sum or a product with broadcasting:
//
//   output[n, y, x, c] = activate(left[n, y, x, c] + right[n, y, x, c])     or, with MULTIPLY, ·
//
// where an operand of one row, one column or one channel is read as if it were repeated along that axis.
//
// Bindings: left, right and output are NHWC quads, ((n·H + y)·W + x)·Q + q, of (L_H, L_W, L_C), (R_H, R_W, R_C) and
// (H, W, C) rows, columns and channels. The output has the larger size of each axis.
// An invocation of n takes every n-th quad of the output: the kernel is bound by memory, and neighbours read and
// write neighbouring quads, or the same one of what is repeated.

const WORKGROUP = 64u;

override C: u32;
override H: u32;
override W: u32;
override L_C: u32;
override L_H: u32;
override L_W: u32;
override R_C: u32;
override R_H: u32;
override R_W: u32;
override MULTIPLY: bool;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

// section activation: what the scheduler fuses into the store. Another function is put here.
fn activate(x: vec4<f32>) -> vec4<f32> {
    return x;
}
// end activation

@group(0) @binding(0) var<storage, read> left: array<Quad>;
@group(0) @binding(1) var<storage, read> right: array<Quad>;
@group(0) @binding(2) var<storage, read_write> output: array<Quad>;
@group(0) @binding(3) var<uniform> batch: u32;

// Where an operand of this size has what belongs to a quad of the output: along an axis of one, always at 0.
fn place(n: u32, y: u32, x: u32, q: u32, height: u32, width: u32, channels: u32) -> u32 {
    let quads = (channels + 3u) / 4u;
    let row = n * height + min(y, height - 1u);
    return (row * width + min(x, width - 1u)) * quads + min(q, quads - 1u);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let quads = (C + 3u) / 4u;
    for (var index = invocation.x; index < batch * H * W * quads; index += workgroups.x * WORKGROUP) {
        let q = index % quads;
        let x = index / quads % W;
        let y = index / (quads * W) % H;
        let n = index / (quads * W * H);

        var l = load(left[place(n, y, x, q, L_H, L_W, L_C)]);
        var r = load(right[place(n, y, x, q, R_H, R_W, R_C)]);
        l = select(l, l.xxxx, L_C == 1u);
        r = select(r, r.xxxx, R_C == 1u);
        // A channel that is repeated reaches into the pad lanes.
        let channel = vec4<u32>(4u * q) + vec4<u32>(0u, 1u, 2u, 3u);
        let value = activate(select(l + r, l * r, MULTIPLY));
        output[index] = store(select(vec4<f32>(), value, channel < vec4<u32>(C)));
    }
}
