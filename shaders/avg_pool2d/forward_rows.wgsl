// Average pooling, forward, of windows of at most 3 x 3 taps.
//
//   y[n, oy, ox, c] = 1 / D[oy, ox] · Σ over kh, kw of x[n, oy·SH + kh − PT, ox·SW + kw − PL, c]
//
// over the taps that lie in the image. D counts the taps in the rectangle top ≤ row < bottom, left ≤ column < right of the
// padded image: the whole of it where padding counts, else the image in it. What a window of ceil mode has
// beyond the padding counts in neither.
//
// Bindings: x and y are NHWC quads, ((n·H + iy)·W + ix)·Q + q and ((n·OH + oy)·OW + ox)·Q + q.
// What bounds it is how many quads it reads. An invocation owns a quad of channels of a strip of windows of a row, and
// walks to the right with the sums of the columns that the next window shares; of n invocations each takes every n-th
// strip. Neighbours own neighbouring channels, then neighbouring strips.

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
    // The padded rows that count, the first and one past the last, and columns.
    top: u32,
    bottom: u32,
    left: u32,
    right: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read_write> y: array<Quad>;
@group(0) @binding(2) var<uniform> params: Params;

fn divisor(oy: u32, ox: u32) -> f32 {
    let rows = min(oy * SH + KH, params.bottom) - max(oy * SH, params.top);
    let columns = min(ox * SW + KW, params.right) - max(ox * SW, params.left);
    return f32(rows * columns);
}

// A row of the window.
struct Row {
    // Where its quad of the image's first column lies.
    start: u32,
    exists: bool,
}

struct Rows {
    top: Row,
    middle: Row,
    bottom: Row,
}

// Above the image iy wraps around and is larger than any row.
fn row_at(n: u32, iy: u32, q: u32) -> Row {
    return Row((n * params.height + iy) * params.width * params.quads + q, iy < params.height);
}

// There is no branch: an index out of the image reads something else, which is not taken.
fn pixel(row: Row, ix: u32) -> vec4f {
    if INSIDE {
        return load(x[row.start + ix * params.quads]);
    }
    let is_inside = row.exists & (ix < params.width);
    return select(vec4f(), load(x[select(0u, row.start + ix * params.quads, is_inside)]), is_inside);
}

// The sum of a column of the window. To the left of the image ix wraps around and is larger than any column.
fn column_at(rows: Rows, ix: u32) -> vec4f {
    var sum = pixel(rows.top, ix);
    if KH > 1u {
        sum += pixel(rows.middle, ix);
    }
    if KH > 2u {
        sum += pixel(rows.bottom, ix);
    }
    return sum;
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
        let iy = row % params.out_height * SH - PT;
        let n = row / params.out_height;
        let rows = Rows(row_at(n, iy, q), row_at(n, iy + 1u, q), row_at(n, iy + 2u, q));
        let end = min((strip + 1u) * params.strip, params.out_width);
        var ix = strip * params.strip * SW - PL;
        var left = vec4f();
        var middle = vec4f();
        var right = vec4f();
        if SHARED > 0u {
            left = column_at(rows, ix);
        }
        if SHARED > 1u {
            middle = column_at(rows, ix + 1u);
        }
        for (var ox = strip * params.strip; ox < end; ox++) {
            if SHARED < 1u {
                left = column_at(rows, ix);
            }
            if (SHARED < 2u) & (KW > 1u) {
                middle = column_at(rows, ix + 1u);
            }
            if KW > 2u {
                right = column_at(rows, ix + 2u);
            }
            let mean = (left + middle + right) / divisor(row % params.out_height, ox);
            y[(row * params.out_width + ox) * params.quads + q] = store(mean);
            ix += SW;
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
