// Average pooling, forward.
//
//   y[n, oy, ox, c] = 1 / D[oy, ox] · Σ over kh, kw of x[n, oy·SH + kh − PT, ox·SW + kw − PL, c]
//
// over the taps that lie in the image. D counts the taps in the rectangle top ≤ row < bottom, left ≤ column < right of the
// padded image: the whole of it where padding counts, else the image in it. What a window of ceil mode has
// beyond the padding counts in neither.
//
// Bindings: x and y are NHWC quads, ((n·H + iy)·W + ix)·Q + q and ((n·OH + oy)·OW + ox)·Q + q.
// An invocation of n takes every n-th output quad: four channels share every index and read one vec4 a tap. Small windows
// have a kernel of their own, `forward_rows.wgsl`.

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
    // Rows and columns of x, H and W, and of y, OH and OW.
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

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read_write> y: array<Quad>;
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
    let count = params.batch * params.out_height * params.out_width * params.quads;
    for (var quad = invocation.x; quad < count; quad += workgroups.x * 64u) {
        let q = quad % params.quads;
        let ox = quad / params.quads % params.out_width;
        let oy = quad / (params.quads * params.out_width) % params.out_height;
        let n = quad / (params.quads * params.out_width * params.out_height);
        var sum = vec4f();
        for (var kh = 0u; kh < KH; kh++) {
            for (var kw = 0u; kw < KW; kw++) {
                // Above the image and to its left these wrap around and are larger than any row or column. There is
                // no branch: an index out of the image reads something else, which is not taken.
                let iy = oy * SH + kh - PT;
                let ix = ox * SW + kw - PL;
                let is_inside = (iy < params.height) & (ix < params.width);
                let place = select(0u, ((n * params.height + iy) * params.width + ix) * params.quads + q, is_inside);
                sum += select(vec4f(), load(x[place]), is_inside);
            }
        }
        y[quad] = store(sum / divisor(oy, ox));
    }
}
