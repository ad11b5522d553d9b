// Adaptive max pooling, gradient to the input.
//
//   grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] over the windows (oy, ox) that (iy, ix, c) won
//
// with the windows of `forward.wgsl`. Row iy is in the windows floor(iy·OH / H) .. ceil((iy + 1)·OH / H): what tells a
// window's rows, with H and OH exchanged.
//
// Bindings: grad_y and grad_x are NHWC quads, ((n·OH + oy)·OW + ox)·Q + q and ((n·H + iy)·W + ix)·Q + q; taps is
// what `forward.wgsl` kept for grad_y's quads: a word of four bytes a quad (TAP_WORDS = 1), or four words.
// An invocation of n takes every n-th input quad and gathers from the windows that cover it, so that nothing is
// added atomically, the order of the sum is fixed, and every element is written.

override H: u32; // rows of grad_x
override W: u32; // columns of grad_x
override OH: u32; // rows of grad_y
override OW: u32; // columns of grad_y
override Q: u32; // quads of channels
override TAP_WORDS: u32; // words that the taps of a quad take: 1 or 4
// Whether windows are alike and side by side, so that a pixel is in one of them: then no window is looked for.
override ALIKE: bool = H % OH == 0u && W % OW == 0u;

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
@group(0) @binding(3) var<uniform> batch: u32;

// Where window i of `count` over `size` begins, and where it ends.
fn begin(i: u32, size: u32, count: u32) -> u32 {
    return i * size / count;
}
fn end(i: u32, size: u32, count: u32) -> u32 {
    return ((i + 1u) * size + count - 1u) / count;
}

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
    for (var quad = invocation.x; quad < batch * H * W * Q; quad += workgroups.x * 64u) {
        let q = quad % Q;
        let ix = quad / Q % W;
        let iy = quad / (Q * W) % H;
        let n = quad / (Q * W * H);
        if ALIKE {
            let rows = max(H / OH, 1u);
            let columns = max(W / OW, 1u);
            let window = ((n * OH + iy / rows) * OW + ix / columns) * Q + q;
            let tap = iy % rows * columns + ix % columns;
            grad_x[quad] = store(select(vec4f(), load(grad_y[window]), winners(window) == vec4u(tap)));
            continue;
        }

        let last_column = end(ix, OW, W);
        let last_row = end(iy, OH, H);
        var sum = vec4f();
        for (var oy = begin(iy, OH, H); oy < last_row; oy++) {
            let row = iy - begin(oy, H, OH);
            for (var ox = begin(ix, OW, W); ox < last_column; ox++) {
                let left = begin(ox, W, OW);
                let tap = row * (end(ox, W, OW) - left) + ix - left;
                let window = ((n * OH + oy) * OW + ox) * Q + q;
                sum += select(vec4f(), load(grad_y[window]), winners(window) == vec4u(tap));
            }
        }
        grad_x[quad] = store(sum);
    }
}
