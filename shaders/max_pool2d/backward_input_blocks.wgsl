// Max pooling, gradient to the input, where windows are one or two pixels apart and cover at most twice that.
//
//   grad_x[n, iy, ix, c] = Σ grad_y[n, oy, ox, c] over the windows (oy, ox) that (iy, ix, c) won
//
// Bindings: grad_y and grad_x are NHWC quads, ((n·OH + oy)·OW + ox)·Q + q and ((n·H + iy)·W + ix)·Q + q; taps is
// what `forward.wgsl` kept for grad_y's quads: a word of four bytes a quad.
// A block is the SH x SW pixels of the padded image that begin where a window would; its gradient is gathered from the at
// most four windows that cover any of them, and what is padding is not written. An invocation owns a quad of channels of
// a strip of blocks of a row, and walks to the right with the windows that the next block shares, so that each is read
// twice in all; of n invocations each takes every n-th strip. Nothing is added atomically, the order of the sum is
// fixed, and every element is written.

override KH: u32; // taps along a column
override KW: u32; // taps along a row
override SH: u32; // rows from one window to the next: 1 or 2
override SW: u32; // columns from one window to the next: 1 or 2
override PT: u32; // rows of padding above
override PL: u32; // columns of padding to the left
override DH: u32; // rows from one tap to the next
override DW: u32; // columns from one tap to the next

// The last row and column of a window, counted from its first: less than 2 · SH and 2 · SW.
override REACH_Y: u32 = (KH - 1u) * DH;
override REACH_X: u32 = (KW - 1u) * DW;
// Whether the blocks are the image.
override WHOLE: bool = false;

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
    // The blocks of a row that an invocation takes, and how many such strips a row has.
    strip: u32,
    strips: u32,
    // The blocks along a column and along a row.
    rows: u32,
    columns: u32,
}

@group(0) @binding(0) var<storage, read> taps: array<u32>;
@group(0) @binding(1) var<storage, read> grad_y: array<Quad>;
@group(0) @binding(2) var<storage, read_write> grad_x: array<Quad>;
@group(0) @binding(3) var<uniform> params: Params;

struct Window {
    grad: vec4f,
    // The taps that won.
    won: vec4u,
}

// A window; without a gradient where there is none, or none is wanted. Before the first, oy and ox wrap around and are
// larger than any. There is no branch: an index out of the gradient reads something else, which is not taken.
fn window(n: u32, oy: u32, ox: u32, q: u32, wanted: bool) -> Window {
    if !wanted {
        return Window(vec4f(), vec4u());
    }
    let exists = (oy < params.out_height) & (ox < params.out_width);
    let place = select(0u, ((n * params.out_height + oy) * params.out_width + ox) * params.quads + q, exists);
    let won = (vec4u(taps[place]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
    return Window(select(vec4f(), load(grad_y[place]), exists), won);
}

// What of a window's gradient goes to the pixel so many rows and columns from where the window begins.
fn share(window: Window, dy: u32, dx: u32) -> vec4f {
    if (dy > REACH_Y) | (dx > REACH_X) | (dy % DH != 0u) | (dx % DW != 0u) {
        return vec4f();
    }
    return select(vec4f(), window.grad, window.won == vec4u(dy / DH * KW + dx / DW));
}

// The windows that cover pixels of a block, by where they begin.
struct Windows {
    at: Window,
    left: Window,
    above: Window,
    above_left: Window,
}

// The gradient to the block's pixel (y, x).
fn gather(windows: Windows, y: u32, x: u32) -> vec4f {
    let upper = share(windows.above_left, y + SH, x + SW) + share(windows.above, y + SH, x);
    return upper + share(windows.left, y, x + SW) + share(windows.at, y, x);
}

// Writes a pixel of the padded image, if it lies in the image.
fn put(n: u32, y: u32, x: u32, q: u32, value: vec4f) {
    // In the padding above and to the left these wrap around and are larger than any row or column.
    let iy = y - PT;
    let ix = x - PL;
    if WHOLE | ((iy < params.height) & (ix < params.width)) {
        grad_x[((n * params.height + iy) * params.width + ix) * params.quads + q] = store(value);
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) invocation: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
) {
    let count = params.batch * params.rows * params.strips * params.quads;
    for (var i = invocation.x; i < count; i += workgroups.x * 64u) {
        let q = i % params.quads;
        let strip = i / params.quads % params.strips;
        let oy = i / (params.quads * params.strips) % params.rows;
        let n = i / (params.quads * params.strips * params.rows);
        let first = strip * params.strip;
        let end = min(first + params.strip, params.columns);
        var left = window(n, oy, first - 1u, q, REACH_X >= SW);
        var above_left = window(n, oy - 1u, first - 1u, q, (REACH_Y >= SH) & (REACH_X >= SW));
        for (var ox = first; ox < end; ox++) {
            let at = window(n, oy, ox, q, true);
            let above = window(n, oy - 1u, ox, q, REACH_Y >= SH);
            let all = Windows(at, left, above, above_left);
            put(n, oy * SH, ox * SW, q, gather(all, 0u, 0u));
            if SW > 1u {
                put(n, oy * SH, ox * SW + 1u, q, gather(all, 0u, 1u));
            }
            if SH > 1u {
                put(n, oy * SH + 1u, ox * SW, q, gather(all, 1u, 0u));
            }
            if (SH > 1u) & (SW > 1u) {
                put(n, oy * SH + 1u, ox * SW + 1u, q, gather(all, 1u, 1u));
            }
            left = at;
            above_left = above;
        }
    }
}
