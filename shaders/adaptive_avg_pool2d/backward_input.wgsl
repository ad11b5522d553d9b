// Adaptive average pooling, gradient to the input.
//
//   grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] / D[oy, ox] over the windows (oy, ox) that cover (iy, ix)
//
// with the windows of `forward.wgsl` and their numbers of pixels D. Row iy is in the windows
// floor(iy·OH / H) .. ceil((iy + 1)·OH / H): what tells a window's rows, with H and OH exchanged.
//
// Bindings: grad_y and grad_x are NHWC quads, ((n·OH + oy)·OW + ox)·Q + q and ((n·H + iy)·W + ix)·Q + q.
// An invocation of n takes every n-th input quad and gathers from the windows that cover it, so that nothing is
// added atomically, the order of the sum is fixed, and every element is written.

override H: u32; // rows of grad_x
override W: u32; // columns of grad_x
override OH: u32; // rows of grad_y
override OW: u32; // columns of grad_y
override Q: u32; // quads of channels
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

@group(0) @binding(0) var<storage, read> grad_y: array<Quad>;
@group(0) @binding(1) var<storage, read_write> grad_x: array<Quad>;
@group(0) @binding(2) var<uniform> batch: u32;

// Where window i of `count` over `size` begins, and where it ends.
fn begin(i: u32, size: u32, count: u32) -> u32 {
    return i * size / count;
}
fn end(i: u32, size: u32, count: u32) -> u32 {
    return ((i + 1u) * size + count - 1u) / count;
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
            grad_x[quad] = store(load(grad_y[window]) / f32(rows * columns));
            continue;
        }

        let last_column = end(ix, OW, W);
        let last_row = end(iy, OH, H);
        var sum = vec4f();
        for (var oy = begin(iy, OH, H); oy < last_row; oy++) {
            let rows = end(oy, H, OH) - begin(oy, H, OH);
            for (var ox = begin(ix, OW, W); ox < last_column; ox++) {
                let columns = end(ox, W, OW) - begin(ox, W, OW);
                sum += load(grad_y[((n * OH + oy) * OW + ox) * Q + q]) / f32(rows * columns);
            }
        }
        grad_x[quad] = store(sum);
    }
}
