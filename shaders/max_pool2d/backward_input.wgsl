// Max pooling, gradient to the input.
//
//   grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] over the windows (oy, ox) that (iy, ix, c) won
//
// Bindings: grad_y and grad_x are NHWC quads, ((n·OH + oy)·OW + ox)·Q + q and ((n·H + iy)·W + ix)·Q + q; taps is
// what `forward.wgsl` kept for grad_y's quads: a word of four bytes a quad (TAP_WORDS = 1), or four words.
// An invocation of n takes every n-th input quad and gathers from the windows that cover it, so that nothing is
// added atomically, the order of the sum is fixed, and every element is written.

override KH: u32; // taps along a column
override KW: u32; // taps along a row
override SH: u32; // rows from one window to the next
override SW: u32; // columns from one window to the next
override PT: u32; // rows of padding above
override PL: u32; // columns of padding to the left
override DH: u32; // rows from one tap to the next
override DW: u32; // columns from one tap to the next
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
}

@group(0) @binding(0) var<storage, read> taps: array<u32>;
@group(0) @binding(1) var<storage, read> grad_y: array<Quad>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<Quad>;
@group(0) @binding(3) var<uniform> params: Params;

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
    let count = params.batch * params.height * params.width * params.quads;
    for (var quad = invocation.x; quad < count; quad += workgroups.x * 64u) {
        let q = quad % params.quads;
        let py = quad / (params.quads * params.width) % params.height + PT;
        let px = quad / params.quads % params.width + PL;
        let n = quad / (params.quads * params.width * params.height);

        // The last row of windows that begins at or above this row is py / SH; the ones before it follow, and the
        // numbers of both loops are constants, which lets a compiler unroll them.
        let reach_y = (KH - 1u) * DH;
        let reach_x = (KW - 1u) * DW;
        var sum = vec4f();
        for (var back_y = 0u; back_y <= reach_y / SH; back_y++) {
            // Before the first window this wraps around and is larger than any.
            let oy = py / SH - back_y;
            let dy = py % SH + back_y * SH;
            if oy >= params.out_height || dy > reach_y || dy % DH != 0u {
                continue;
            }
            for (var back_x = 0u; back_x <= reach_x / SW; back_x++) {
                let ox = px / SW - back_x;
                let dx = px % SW + back_x * SW;
                if ox >= params.out_width || dx > reach_x || dx % DW != 0u {
                    continue;
                }
                let window = ((n * params.out_height + oy) * params.out_width + ox) * params.quads + q;
                let won = winners(window) == vec4u(dy / DH * KW + dx / DW);
                sum += select(vec4f(), load(grad_y[window]), won);
            }
        }
        grad_x[quad] = store(sum);
    }
}
