// Lp pooling, forward: the norm of each window.
//
//   y[n, oy, ox, c] = (Σ over kh, kw of |x[n, oy·SH + kh − PT, ox·SW + kw − PL, c]|^P)^(1/P)
//
// over the taps that lie in the image. For P other than 1 the window is scaled by its largest magnitude m, as
// m · (Σ (|x| / m)^P)^(1/P), so that no power overflows or vanishes; a first pass over the window finds m.
//
// Bindings: x and y are NHWC quads, ((n·H + iy)·W + ix)·Q + q and ((n·OH + oy)·OW + ox)·Q + q.
// An invocation owns one output quad: four channels share every index and read one vec4 a tap. The second pass
// over a window finds it in the cache.

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
override P: f32; // the norm's exponent, at least 1

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> batch: u32;

// base^exponent for base ≥ 0, the exponent being a constant of the pipeline. What a product or a root gives is taken
// from it, not only because it is nearer: Mesa 22.3's OpenGL compiles exp2(2 · log2(v)) to v.xxxx · v.xxxx, and
// likewise for 4. The logarithm of 0 is not to be relied on.
fn power(base: vec4f, exponent: f32) -> vec4f {
    if exponent == 0.5 {
        return sqrt(base);
    }
    if exponent == 1.0 {
        return base;
    }
    if exponent == 2.0 {
        return base * base;
    }
    if exponent == 4.0 {
        let square = base * base;
        return square * square;
    }
    return select(exp2(exponent * log2(base)), vec4f(), base == vec4f());
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let quad = (group.x + group.y * groups.x) * 64u + local;
    if quad >= batch * OH * OW * Q {
        return;
    }
    let q = quad % Q;
    let ox = quad / Q % OW;
    let oy = quad / (Q * OW) % OH;
    let n = quad / (Q * OW * OH);

    var largest = vec4f();
    if P != 1.0 {
        for (var kh = 0u; kh < KH; kh++) {
            // Above the image this wraps around and is larger than any row.
            let iy = oy * SH + kh - PT;
            if iy >= H {
                continue;
            }
            for (var kw = 0u; kw < KW; kw++) {
                let ix = ox * SW + kw - PL;
                if ix < W {
                    largest = max(largest, abs(x[((n * H + iy) * W + ix) * Q + q]));
                }
            }
        }
    }
    let scale = select(largest, vec4f(1.0), largest == vec4f());

    var sum = vec4f();
    for (var kh = 0u; kh < KH; kh++) {
        let iy = oy * SH + kh - PT;
        if iy >= H {
            continue;
        }
        for (var kw = 0u; kw < KW; kw++) {
            let ix = ox * SW + kw - PL;
            if ix >= W {
                continue;
            }
            let scaled = abs(x[((n * H + iy) * W + ix) * Q + q]) / scale;
            sum += power(scaled, P);
        }
    }
    y[quad] = scale * power(sum, 1.0 / P);
}
