// Average pooling, forward, of windows of at most 3 x 3 taps.
//
//   y[n, oy, ox, c] = 1 / D[oy, ox] · Σ over kh, kw of x[n, oy·SH + kh − PT, ox·SW + kw − PL, c]
//
// over the taps that lie in the image. D counts the taps in the rectangle CT ≤ row < CB, CL ≤ column < CR of the
// padded image: the whole of it where padding counts, else the image in it. What a window of ceil mode has
// beyond the padding counts in neither.
//
// Bindings: x and y are NHWC quads, ((n·H + iy)·W + ix)·Q + q and ((n·OH + oy)·OW + ox)·Q + q.
// What bounds it is how many quads it reads. An invocation owns a quad of channels of a strip of windows of a row, and
// walks to the right with the sums of the columns that the next window shares; of n invocations each takes every n-th
// strip. Neighbours own neighbouring channels, then neighbouring strips.

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
override CT: u32; // first padded row that counts
override CB: u32; // padded row after the last that counts
override CL: u32; // first padded column that counts
override CR: u32; // padded column after the last that counts
override STRIP: u32; // windows of a row that an invocation takes

// The strips of a row.
override STRIPS: u32 = (OW + STRIP - 1u) / STRIP;
// The columns that a window shares with the one to its left.
override SHARED: u32 = max(KW, SW) - SW;
// Whether no window reaches out of the image.
override INSIDE: bool = (PT == 0u) & (PL == 0u) & ((OH - 1u) * SH + KH <= H) & ((OW - 1u) * SW + KW <= W);

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

fn divisor(oy: u32, ox: u32) -> f32 {
    let rows = min(oy * SH + KH, CB) - max(oy * SH, CT);
    let columns = min(ox * SW + KW, CR) - max(ox * SW, CL);
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
    return Row((n * H + iy) * W * Q + q, iy < H);
}

// There is no branch: an index out of the image reads something else, which is not taken.
fn pixel(row: Row, ix: u32) -> vec4f {
    if INSIDE {
        return load(x[row.start + ix * Q]);
    }
    let is_inside = row.exists & (ix < W);
    return select(vec4f(), load(x[select(0u, row.start + ix * Q, is_inside)]), is_inside);
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
    for (var i = invocation.x; i < batch * OH * STRIPS * Q; i += workgroups.x * 64u) {
        let q = i % Q;
        let strip = i / Q % STRIPS;
        let row = i / (Q * STRIPS);
        let iy = row % OH * SH - PT;
        let n = row / OH;
        let rows = Rows(row_at(n, iy, q), row_at(n, iy + 1u, q), row_at(n, iy + 2u, q));
        let end = min((strip + 1u) * STRIP, OW);
        var ix = strip * STRIP * SW - PL;
        var left = vec4f();
        var middle = vec4f();
        var right = vec4f();
        if SHARED > 0u {
            left = column_at(rows, ix);
        }
        if SHARED > 1u {
            middle = column_at(rows, ix + 1u);
        }
        for (var ox = strip * STRIP; ox < end; ox++) {
            if SHARED < 1u {
                left = column_at(rows, ix);
            }
            if (SHARED < 2u) & (KW > 1u) {
                middle = column_at(rows, ix + 1u);
            }
            if KW > 2u {
                right = column_at(rows, ix + 2u);
            }
            y[(row * OW + ox) * Q + q] = store((left + middle + right) / divisor(row % OH, ox));
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
