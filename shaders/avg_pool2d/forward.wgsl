// Average pooling, forward.
//
//   y[n, oy, ox, c] = 1 / D[oy, ox] · Σ over kh, kw of x[n, oy·SH + kh − PT, ox·SW + kw − PL, c]
//
// over the taps that lie in the image. D counts the taps in the rectangle CT ≤ row < CB, CL ≤ column < CR of the
// padded image: the whole of it where padding counts, else the image in it. What a window of ceil mode has
// beyond the padding counts in neither.
//
// Bindings: x and y are NHWC quads, ((n·H + iy)·W + ix)·Q + q and ((n·OH + oy)·OW + ox)·Q + q.
// An invocation of n takes every n-th output quad: four channels share every index and read one vec4 a tap.

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

// The output quad of one invocation.
struct Window {
    n: u32,
    oy: u32,
    ox: u32,
    q: u32,
}

// What tap (kh, kw) adds: zero where there is no such tap, or where it lies outside the image. There is no branch: an
// index out of the image reads something else, which is not taken.
fn tap(window: Window, kh: u32, kw: u32) -> vec4f {
    if (kh >= KH) | (kw >= KW) {
        return vec4f();
    }
    // Above the image and to its left these wrap around and are larger than any row or column.
    let iy = window.oy * SH + kh - PT;
    let ix = window.ox * SW + kw - PL;
    let is_inside = (iy < H) & (ix < W);
    let place = ((window.n * H + iy) * W + ix) * Q + window.q;
    return select(vec4f(), load(x[select(0u, place, is_inside)]), is_inside);
}

@compute @workgroup_size(64)
fn main(
    @builtin(global_invocation_id) invocation: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
) {
    for (var quad = invocation.x; quad < batch * OH * OW * Q; quad += workgroups.x * 64u) {
        let window = Window(quad / (Q * OW * OH), quad / (Q * OW) % OH, quad / Q % OW, quad % Q);
        var sum = vec4f();
        if (KH <= 3u) & (KW <= 3u) {
            sum += tap(window, 0u, 0u);
            sum += tap(window, 0u, 1u);
            sum += tap(window, 0u, 2u);
            sum += tap(window, 1u, 0u);
            sum += tap(window, 1u, 1u);
            sum += tap(window, 1u, 2u);
            sum += tap(window, 2u, 0u);
            sum += tap(window, 2u, 1u);
            sum += tap(window, 2u, 2u);
        } else {
            for (var kh = 0u; kh < KH; kh++) {
                for (var kw = 0u; kw < KW; kw++) {
                    sum += tap(window, kh, kw);
                }
            }
        }
        y[quad] = store(sum / divisor(window.oy, window.ox));
    }
}
