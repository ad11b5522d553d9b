// Max pooling, forward, of windows of at most 3 x 3 taps that lie side by side.
//
//   y[n, oy, ox, c] = max over kh, kw of x[n, oy·SH + kh − PT, ox·SW + kw − PL, c]
//   taps[n, oy, ox, c] = kh·KW + kw of that maximum
//
// over the taps that lie in the image. The first of equal maxima in row-major order wins. A NaN in the window
// is the maximum, and of several the last wins (as in PyTorch).
//
// Bindings: x and y are NHWC quads, ((n·H + iy)·W + ix)·Q + q and ((n·OH + oy)·OW + ox)·Q + q; taps[i] holds the taps of
// y[i], one byte a channel from the lowest.
// What bounds it is how many quads it reads. An invocation owns a quad of channels of a strip of windows of a row, and
// walks to the right with the columns that the next window shares; of n invocations each takes every n-th strip.
// Neighbours own neighbouring channels, then neighbouring strips. Two rows of windows in one walk would read less, but
// are too much code for a processor's cache of decoded instructions.

override KH: u32; // taps along a column
override KW: u32; // taps along a row
override SH: u32; // rows from one window to the next
override SW: u32; // columns from one window to the next
override PT: u32; // rows of padding above
override PL: u32; // columns of padding to the left

// The columns that a window shares with the one to its left.
override SHARED: u32 = max(KW, SW) - SW;
// Whether no window reaches out of the image.
override INSIDE: bool = false;

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

// A pixel of each row of the window.
struct Column {
    top: vec4f,
    middle: vec4f,
    bottom: vec4f,
}

// A row of the window.
struct Row {
    // Where its quad of the image's first column lies.
    start: u32,
    // Its first tap, in each byte.
    taps: u32,
}

struct Rows {
    top: Row,
    middle: Row,
    bottom: Row,
}

struct Best {
    value: vec4f,
    // The taps that won, a byte a channel.
    taps: u32,
}

// The pixel of the image that is nearest to a tap: a tap outside is the same as the window's first or last inside, which
// changes nothing.
fn nearest(at: i32, size: u32) -> i32 {
    return select(clamp(at, 0, i32(size) - 1), at, INSIDE);
}

// A number of less than 256 in each byte.
fn bytes(number: u32) -> u32 {
    return number * 0x01010101u;
}

fn row_at(n: u32, first: i32, kh: i32, q: u32) -> Row {
    let iy = nearest(first + kh, params.height);
    return Row((n * params.height + u32(iy)) * params.width * params.quads + q, bytes(u32(iy - first) * KW));
}

fn column_at(rows: Rows, ix: i32) -> Column {
    let column = u32(nearest(ix, params.width)) * params.quads;
    var all: Column;
    all.top = load(x[rows.top.start + column]);
    if KH > 1u {
        all.middle = load(x[rows.middle.start + column]);
    }
    if KH > 2u {
        all.bottom = load(x[rows.bottom.start + column]);
    }
    return all;
}

// The tap in a window's first row that stands for tap kw of a window that begins at column `first`, in each byte.
fn tap_at(first: i32, kw: i32) -> u32 {
    return bytes(u32(nearest(first + kw, params.width) - first));
}

// What is best once another tap is seen.
fn better(best: Best, value: vec4f, tap: u32) -> Best {
    let wins = (value > best.value) | is_nan(value);
    let lanes = select(vec4u(), vec4u(0xffu, 0xff00u, 0xff0000u, 0xff000000u), wins);
    let won = lanes.x | lanes.y | lanes.z | lanes.w;
    return Best(select(best.value, value, wins), (best.taps & ~won) | (tap & won));
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) invocation: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
) {
    let count = params.batch * params.out_height * params.strips * params.quads;
    for (var i = invocation.x; i < count; i += workgroups.x * 64u) {
        let q = i % params.quads;
        let strip = i / params.quads % params.strips;
        let row = i / (params.quads * params.strips);
        let iy = i32(row % params.out_height * SH) - i32(PT);
        let n = row / params.out_height;
        let rows = Rows(row_at(n, iy, 0, q), row_at(n, iy, 1, q), row_at(n, iy, 2, q));
        let end = min((strip + 1u) * params.strip, params.out_width);
        var ix = i32(strip * params.strip * SW) - i32(PL);
        var left: Column;
        var middle: Column;
        var right: Column;
        if SHARED > 0u {
            left = column_at(rows, ix);
        }
        if SHARED > 1u {
            middle = column_at(rows, ix + 1);
        }
        for (var ox = strip * params.strip; ox < end; ox++) {
            if SHARED < 1u {
                left = column_at(rows, ix);
            }
            if (SHARED < 2u) & (KW > 1u) {
                middle = column_at(rows, ix + 1);
            }
            if KW > 2u {
                right = column_at(rows, ix + 2);
            }
            let kw = vec3u(tap_at(ix, 0), tap_at(ix, 1), tap_at(ix, 2));
            var best = Best(left.top, rows.top.taps + kw.x);
            if KW > 1u {
                best = better(best, middle.top, rows.top.taps + kw.y);
            }
            if KW > 2u {
                best = better(best, right.top, rows.top.taps + kw.z);
            }
            if KH > 1u {
                best = better(best, left.middle, rows.middle.taps + kw.x);
            }
            if (KH > 1u) & (KW > 1u) {
                best = better(best, middle.middle, rows.middle.taps + kw.y);
            }
            if (KH > 1u) & (KW > 2u) {
                best = better(best, right.middle, rows.middle.taps + kw.z);
            }
            if KH > 2u {
                best = better(best, left.bottom, rows.bottom.taps + kw.x);
            }
            if (KH > 2u) & (KW > 1u) {
                best = better(best, middle.bottom, rows.bottom.taps + kw.y);
            }
            if (KH > 2u) & (KW > 2u) {
                best = better(best, right.bottom, rows.bottom.taps + kw.z);
            }
            let quad = (row * params.out_width + ox) * params.quads + q;
            y[quad] = store(best.value);
            keep(quad, best.taps);
            ix += i32(SW);
            if SHARED > 1u {
                left = middle;
                middle = right;
            } else if KW > 2u {
                left = right;
            } else {
                left = middle;
            }
        }
    }
}
