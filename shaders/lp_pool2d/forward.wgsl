// Lp pooling, forward: the norm of each window.
//
//   y[n, oy, ox, c] = (Σ over kh, kw of |x[n, oy·SH + kh − PT, ox·SW + kw − PL, c]|^P)^(1/P)
//
// over the taps that lie in the image. For P other than 1 the window is scaled by its largest magnitude m, as
// m · (Σ (|x| / m)^P)^(1/P), so that no power overflows or vanishes; a first pass over the window finds m. The norm of
// a window with an infinite element is infinite.
//
// Bindings: x and y are NHWC quads, ((n·H + iy)·W + ix)·Q + q and ((n·OH + oy)·OW + ox)·Q + q.
// An invocation of n takes every n-th output quad: four channels share every index and read one vec4 a tap. The
// second pass over a window finds it in the cache.

override KH: u32; // taps along a column
override KW: u32; // taps along a row
override SH: u32; // rows from one window to the next
override SW: u32; // columns from one window to the next
override PT: u32; // rows of padding above
override PL: u32; // columns of padding to the left
override P: f32; // the norm's exponent, at least 1

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
}

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read_write> y: array<Quad>;
@group(0) @binding(2) var<uniform> params: Params;

// base^exponent for base ≥ 0, the exponent being a constant of the pipeline. What products or a root give is taken from
// them: it is nearer and cheaper.
fn power(base: vec4f, exponent: f32) -> vec4f {
    let square = base * base;
    if exponent == 0.5 {
        return sqrt(base);
    }
    if exponent == 1.0 {
        return base;
    }
    if exponent == 2.0 {
        return square;
    }
    if exponent == 3.0 {
        return square * base;
    }
    if exponent == 4.0 {
        return square * square;
    }
    return vec4f(
        power_of_one(base.x, exponent),
        power_of_one(base.y, exponent),
        power_of_one(base.z, exponent),
        power_of_one(base.w, exponent),
    );
}

// For each channel by itself: Mesa 22.3's OpenGL computes only the first of exp2(c · log2(v)). The logarithm of 0 is
// not to be relied on.
fn power_of_one(base: f32, exponent: f32) -> f32 {
    return select(exp2(exponent * log2(base)), 0.0, base == 0.0);
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

        var largest = vec4f();
        if P != 1.0 {
            for (var kh = 0u; kh < KH; kh++) {
                // Above the image this wraps around and is larger than any row.
                let iy = oy * SH + kh - PT;
                if iy >= params.height {
                    continue;
                }
                for (var kw = 0u; kw < KW; kw++) {
                    let ix = ox * SW + kw - PL;
                    if ix < params.width {
                        let place = ((n * params.height + iy) * params.width + ix) * params.quads + q;
                        largest = max(largest, abs(load(x[place])));
                    }
                }
            }
        }
        // Neither 0 nor ∞ can scale anything: 0 / 0 and ∞ / ∞ are not numbers. By its bits, because a compiler may assume
        // that a float is finite.
        let is_finite = bitcast<vec4u>(largest) < vec4u(0x7f800000u);
        let scale = select(vec4f(1.0), largest, (largest > vec4f()) & is_finite);

        var sum = vec4f();
        for (var kh = 0u; kh < KH; kh++) {
            let iy = oy * SH + kh - PT;
            if iy >= params.height {
                continue;
            }
            for (var kw = 0u; kw < KW; kw++) {
                let ix = ox * SW + kw - PL;
                if ix >= params.width {
                    continue;
                }
                let scaled = abs(load(x[((n * params.height + iy) * params.width + ix) * params.quads + q])) / scale;
                sum += power(scaled, P);
            }
        }
        y[quad] = store(scale * power(sum, 1.0 / P));
    }
}
