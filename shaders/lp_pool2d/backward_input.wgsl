// Lp pooling, gradient to the input.
//
//   grad_x[n, iy, ix, c] = sign(x) · Σ (|x| / y[n, oy, ox, c])^(P − 1) · grad_y[n, oy, ox, c]
//
// over the windows (oy, ox) that cover (iy, ix), x being x[n, iy, ix, c]: |x|^(P−1) · y^(1−P), with nothing that
// overflows. Where y is 0 so is the gradient; an infinite x beside an infinite y counts as equal to it.
//
// Bindings: x and grad_x are NHWC quads, ((n·H + iy)·W + ix)·Q + q, as are y and grad_y,
// ((n·OH + oy)·OW + ox)·Q + q.
// An invocation of n takes every n-th input quad and gathers from the windows that cover it, so that nothing is
// added atomically, the order of the sum is fixed, and every element is written.

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
    // Rows and columns of grad_x, H and W, and of grad_y, OH and OW.
    height: u32,
    width: u32,
    out_height: u32,
    out_width: u32,
    // Quads of channels, Q.
    quads: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Quad>;
@group(0) @binding(1) var<storage, read> y: array<Quad>;
@group(0) @binding(2) var<storage, read> grad_y: array<Quad>;
@group(0) @binding(3) var<storage, read_write> grad_x: array<Quad>;
@group(0) @binding(4) var<uniform> params: Params;

// base^exponent for base ≥ 0, the exponent being a constant of the pipeline. What products give is taken from them: it
// is nearer and cheaper.
fn power(base: vec4f, exponent: f32) -> vec4f {
    let square = base * base;
    if exponent == 0.0 {
        return vec4f(1.0);
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
    let count = params.batch * params.height * params.width * params.quads;
    for (var quad = invocation.x; quad < count; quad += workgroups.x * 64u) {
        let q = quad % params.quads;
        let py = quad / (params.quads * params.width) % params.height + PT;
        let px = quad / params.quads % params.width + PL;
        let n = quad / (params.quads * params.width * params.height);
        let value = load(x[quad]);

        // The last row of windows that begins at or above this row is py / SH; the ones before it follow, and the
        // numbers of both loops are constants, which lets a compiler unroll them.
        var sum = vec4f();
        for (var back_y = 0u; back_y <= (KH - 1u) / SH; back_y++) {
            // Before the first window this wraps around and is larger than any.
            let oy = py / SH - back_y;
            if oy >= params.out_height || py % SH + back_y * SH >= KH {
                continue;
            }
            for (var back_x = 0u; back_x <= (KW - 1u) / SW; back_x++) {
                let ox = px / SW - back_x;
                if ox >= params.out_width || px % SW + back_x * SW >= KW {
                    continue;
                }
                let window = ((n * params.out_height + oy) * params.out_width + ox) * params.quads + q;
                let norm = load(y[window]);
                let zero = norm == vec4f();
                // Where the two are equal they may both be infinite, and ∞ / ∞ is not a number.
                let ratio = select(abs(value) / select(norm, vec4f(1.0), zero), vec4f(1.0), abs(value) == norm);
                sum += select(power(ratio, P - 1.0) * load(grad_y[window]), vec4f(), zero);
            }
        }
        grad_x[quad] = store(sign(value) * sum);
    }
}
