// Average pooling, gradient to the input.
//
//   grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] / D[oy, ox] over the windows (oy, ox) that cover (iy, ix)
//
// with the divisor D of `forward.wgsl`.
//
// Bindings: grad_y and grad_x are NHWC quads, ((n·OH + oy)·OW + ox)·Q + q and ((n·H + iy)·W + ix)·Q + q.
// An invocation of n takes every n-th input quad and gathers from the windows that cover it, so that nothing is
// added atomically, the order of the sum is fixed, and every element is written.

override KH: u32; // taps along a column
override KW: u32; // taps along a row
override SH: u32; // rows from one window to the next
override SW: u32; // columns from one window to the next
override PT: u32; // rows of padding above
override PL: u32; // columns of padding to the left

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
    // The number of samples.
    batch: u32,
    // Rows and columns of grad_x, H and W, and of grad_y, OH and OW.
    height: u32,
    width: u32,
    out_height: u32,
    out_width: u32,
    // Quads of channels, Q.
    quads: u32,
    // The padded rows that count, the first and one past the last, and columns.
    top: u32,
    bottom: u32,
    left: u32,
    right: u32,
}

@group(0) @binding(0) var<storage, read> grad_y: array<Quad>;
@group(0) @binding(1) var<storage, read_write> grad_x: array<Quad>;
@group(0) @binding(2) var<uniform> params: Params;

fn divisor(oy: u32, ox: u32) -> f32 {
    let rows = min(oy * SH + KH, params.bottom) - max(oy * SH, params.top);
    let columns = min(ox * SW + KW, params.right) - max(ox * SW, params.left);
    return f32(rows * columns);
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) invocation: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
) {
    let count = params.batch * params.height * params.width * params.quads;
    for (var quad = invocation.x; quad < count; quad += workgroups.x * 64u) {
        let q = quad % params.quads;
        let py = quad / (params.quads * params.width) % params.height + PT;
        let px = quad / params.quads % params.width + PL;
        let n = quad / (params.quads * params.width * params.height);

        // The last row of windows that begins at or above this row is py / SH; the ones before it follow, and the
        // numbers of both loops are constants, which lets a compiler unroll them.
        var sum = vec4f();
        for (var back_y = 0u; back_y <= (KH - 1u) / SH; back_y++) {
            // Before the first window this wraps around and is larger than any.
            let oy = py / SH - back_y;
            if oy >= params.out_height || py % SH + back_y * SH >= KH {
                continue;
            }
            for (var back_x = 0u; back_x <= (KW - 1u) / SW; back_x++) {
                let ox = px / SW - back_x;
                if ox >= params.out_width || px % SW + back_x * SW >= KW {
                    continue;
                }
                let window = ((n * params.out_height + oy) * params.out_width + ox) * params.quads + q;
                sum += load(grad_y[window]) / divisor(oy, ox);
            }
        }
        grad_x[quad] = store(sum);
    }
}
