// Max pooling, forward, for inference: what the gradient needs is not kept (`forward_taps.wgsl` keeps it).
//
//   y[n, oy, ox, c] = max over kh, kw of x[n, oy·SH + kh·DH − PT, ox·SW + kw·DW − PL, c]
//
// over the taps that lie in the image. A NaN in the window is the maximum.
//
// Bindings: x and y are NHWC quads, ((n·H + iy)·W + ix)·Q + q and ((n·OH + oy)·OW + ox)·Q + q.
// An invocation of n takes every n-th output quad: four channels share every index and read one vec4 a tap, and
// neighbours in a workgroup read neighbouring channels, then neighbouring windows. Nothing is shared through
// workgroup memory, because windows overlap little and a cache serves what overlap there is.

override H: u32; // rows of x
override W: u32; // columns of x
override OH: u32; // rows of y
override OW: u32; // columns of y
override Q: u32; // quads of channels
override KH: u32; // taps along a column
override KW: u32; // taps along a row
override SH: u32; // rows from one window to the next
override SW: u32; // columns from one window to the next
override PT: u32; // rows of padding above
override PL: u32; // columns of padding to the left
override DH: u32; // rows from one tap to the next
override DW: u32; // columns from one tap to the next

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read_write> y: array<Quad>;
@group(0) @binding(2) var<uniform> batch: u32;

// By its bits: a compiler may assume that a float is never NaN.
fn is_nan(value: vec4f) -> vec4<bool> {
    return (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

// The output quad of one invocation.
struct Window {
    n: u32,
    oy: u32,
    ox: u32,
    q: u32,
}

struct Best {
    value: vec4f,
    // Whether there is one.
    found: bool,
}

// What is best once tap (kh, kw) is seen, if there is such a tap. There is no branch: an index out of the image reads
// something else, which is not taken.
fn with_tap(best: Best, kh: u32, kw: u32, window: Window) -> Best {
    if (kh >= KH) | (kw >= KW) {
        return best;
    }
    // Above the image and to its left these wrap around and are larger than any row or column.
    let iy = window.oy * SH + kh * DH - PT;
    let ix = window.ox * SW + kw * DW - PL;
    let is_inside = (iy < H) & (ix < W);
    let place = ((window.n * H + iy) * W + ix) * Q + window.q;
    let value = load(x[select(0u, place, is_inside)]);
    let wins = ((value > best.value) | is_nan(value) | vec4(!best.found)) & vec4(is_inside);
    return Best(select(best.value, value, wins), best.found | is_inside);
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) invocation: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
) {
    for (var quad = invocation.x; quad < batch * OH * OW * Q; quad += workgroups.x * 64u) {
        let window = Window(quad / (Q * OW * OH), quad / (Q * OW) % OH, quad / Q % OW, quad % Q);
        var best = Best(vec4f(), false);
        if (KH <= 3u) & (KW <= 3u) {
            best = with_tap(best, 0u, 0u, window);
            best = with_tap(best, 0u, 1u, window);
            best = with_tap(best, 0u, 2u, window);
            best = with_tap(best, 1u, 0u, window);
            best = with_tap(best, 1u, 1u, window);
            best = with_tap(best, 1u, 2u, window);
            best = with_tap(best, 2u, 0u, window);
            best = with_tap(best, 2u, 1u, window);
            best = with_tap(best, 2u, 2u, window);
        } else {
            for (var kh = 0u; kh < KH; kh++) {
                for (var kw = 0u; kw < KW; kw++) {
                    best = with_tap(best, kh, kw, window);
                }
            }
        }
        y[quad] = store(best.value);
    }
}
