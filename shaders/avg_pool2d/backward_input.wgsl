// Average pooling, gradient to the input.
//
//   grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] / D[oy, ox] over the windows (oy, ox) that cover (iy, ix)
//
// with the divisor D of `forward.wgsl`.
//
// Bindings: grad_y and grad_x are NHWC quads, ((n·OH + oy)·OW + ox)·Q + q and ((n·H + iy)·W + ix)·Q + q.
// An invocation of n takes every n-th input quad and gathers from the windows that cover it, so that nothing is
// added atomically, the order of the sum is fixed, and every element is written.

override H: u32; // rows of grad_x
override W: u32; // columns of grad_x
override OH: u32; // rows of grad_y
override OW: u32; // columns of grad_y
override Q: u32; // quads of channels
override KH: u32; // taps along a column
override KW: u32; // taps along a row
override SH: u32; // rows from one window to the next
override SW: u32; // columns from one window to the next
override PT: u32; // rows of padding above
override PL: u32; // columns of padding to the left
override CT: u32; // first padded row that counts
override CB: u32; // padded row after the last that counts
override CL: u32; // first padded column that counts
override CR: u32; // padded column after the last that counts

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
@group(0) @binding(2) var<uniform> batch: u32;

fn divisor(oy: u32, ox: u32) -> f32 {
    let rows = min(oy * SH + KH, CB) - max(oy * SH, CT);
    let columns = min(ox * SW + KW, CR) - max(ox * SW, CL);
    return f32(rows * columns);
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) invocation: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
) {
    for (var quad = invocation.x; quad < batch * H * W * Q; quad += workgroups.x * 64u) {
        let q = quad % Q;
        let py = quad / (Q * W) % H + PT;
        let px = quad / Q % W + PL;
        let n = quad / (Q * W * H);

        // The last row of windows that begins at or above this row is py / SH; the ones before it follow, and the
        // numbers of both loops are constants, which lets a compiler unroll them.
        var sum = vec4f();
        for (var back_y = 0u; back_y <= (KH - 1u) / SH; back_y++) {
            // Before the first window this wraps around and is larger than any.
            let oy = py / SH - back_y;
            if oy >= OH || py % SH + back_y * SH >= KH {
                continue;
            }
            for (var back_x = 0u; back_x <= (KW - 1u) / SW; back_x++) {
                let ox = px / SW - back_x;
                if ox >= OW || px % SW + back_x * SW >= KW {
                    continue;
                }
                sum += load(grad_y[((n * OH + oy) * OW + ox) * Q + q]) / divisor(oy, ox);
            }
        }
        grad_x[quad] = store(sum);
    }
}
