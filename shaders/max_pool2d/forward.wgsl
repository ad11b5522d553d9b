// Max pooling, forward.
//
//   y[n, oy, ox, c] = max over kh, kw of x[n, oy·SH + kh·DH − PT, ox·SW + kw·DW − PL, c]
//   taps[n, oy, ox, c] = kh·KW + kw of that maximum
//
// over the taps that lie in the image. The first of equal maxima in row-major order wins. A NaN in the window
// is the maximum, and of several the last wins (as in PyTorch).
//
// Bindings: x and y are NHWC quads, ((n·H + iy)·W + ix)·Q + q and ((n·OH + oy)·OW + ox)·Q + q. Where the window
// has at most 256 taps, taps[i] holds those of y[i], one byte a channel from the lowest (TAP_WORDS = 1);
// otherwise taps[4·i .. 4·i + 3] holds them, a word a channel (TAP_WORDS = 4).
// An invocation of n takes every n-th output quad: four channels share every index and read one vec4 a tap, and
// neighbours in a workgroup read neighbouring channels, then neighbouring windows. Small windows have a kernel of their
// own, `forward_rows.wgsl`.

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

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read_write> y: array<Quad>;

// section taps: nothing is kept for a gradient. Where there is one, that of `taps.wgsl` is put here.
struct Params {
    // The number of samples.
    batch: u32,
    // Rows and columns of x, H and W, and of y, OH and OW.
    height: u32,
    width: u32,
    out_height: u32,
    out_width: u32,
    // Quads of channels, Q.
    quads: u32,
    // The windows of a row that an invocation takes, and how many such strips a row has.
    strip: u32,
    strips: u32,
}
@group(0) @binding(2) var<uniform> params: Params;
fn keep(place: u32, word: u32) {}
// end taps

// By its bits: a compiler may assume that a float is never NaN.
fn is_nan(value: vec4f) -> vec4<bool> {
    return (bitcast<vec4i>(value) & vec4i(0x7fffffff)) > vec4i(0x7f800000);
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) invocation: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
) {
    let count = params.batch * params.out_height * params.out_width * params.quads;
    for (var quad = invocation.x; quad < count; quad += workgroups.x * 64u) {
        let q = quad % params.quads;
        let ox = quad / params.quads % params.out_width;
        let oy = quad / (params.quads * params.out_width) % params.out_height;
        let n = quad / (params.quads * params.out_width * params.out_height);
        var best = vec4f();
        var tap = vec4u();
        var found = false;
        for (var kh = 0u; kh < KH; kh++) {
            for (var kw = 0u; kw < KW; kw++) {
                // Above the image and to its left these wrap around and are larger than any row or column. There is
                // no branch: an index out of the image reads something else, which is not taken.
                let iy = oy * SH + kh * DH - PT;
                let ix = ox * SW + kw * DW - PL;
                let is_inside = (iy < params.height) & (ix < params.width);
                let place = ((n * params.height + iy) * params.width + ix) * params.quads + q;
                let value = load(x[select(0u, place, is_inside)]);
                let wins = ((value > best) | is_nan(value) | vec4(!found)) & vec4(is_inside);
                best = select(best, value, wins);
                tap = select(tap, vec4u(kh * KW + kw), wins);
                found = found | is_inside;
            }
        }
        y[quad] = store(best);
        if TAP_WORDS == 1u {
            keep(quad, tap.x | (tap.y << 8u) | (tap.z << 16u) | (tap.w << 24u));
        } else {
            keep(4u * quad, tap.x);
            keep(4u * quad + 1u, tap.y);
            keep(4u * quad + 2u, tap.z);
            keep(4u * quad + 3u, tap.w);
        }
    }
}
