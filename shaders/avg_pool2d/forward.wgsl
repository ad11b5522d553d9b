// Average pooling, forward.
//
//   y[n, oy, ox, c] = 1 / D[oy, ox] · Σ over kh, kw of x[n, oy·SH + kh − PT, ox·SW + kw − PL, c]
//
// over the taps that lie in the image. D counts the taps in the rectangle CT ≤ row < CB, CL ≤ column < CR of the
// padded image: the whole of it where padding counts, else the image in it. What a window of ceil mode has
// beyond the padding counts in neither.
//
// Bindings: x and y are NHWC quads, ((n·H + iy)·W + ix)·Q + q and ((n·OH + oy)·OW + ox)·Q + q.
// An invocation of n takes every n-th output quad: four channels share every index and read one vec4 a tap. Small windows
// have a kernel of their own, `forward_rows.wgsl`.

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

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) invocation: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
) {
    for (var quad = invocation.x; quad < batch * OH * OW * Q; quad += workgroups.x * 64u) {
        let q = quad % Q;
        let ox = quad / Q % OW;
        let oy = quad / (Q * OW) % OH;
        let n = quad / (Q * OW * OH);
        var sum = vec4f();
        for (var kh = 0u; kh < KH; kh++) {
            for (var kw = 0u; kw < KW; kw++) {
                // Above the image and to its left these wrap around and are larger than any row or column. There is
                // no branch: an index out of the image reads something else, which is not taken.
                let iy = oy * SH + kh - PT;
                let ix = ox * SW + kw - PL;
                let is_inside = (iy < H) & (ix < W);
                let place = select(0u, ((n * H + iy) * W + ix) * Q + q, is_inside);
                sum += select(vec4f(), load(x[place]), is_inside);
            }
        }
        y[quad] = store(sum / divisor(oy, ox));
    }
}
