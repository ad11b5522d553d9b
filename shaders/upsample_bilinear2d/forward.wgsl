// Resampling by bilinear interpolation, forward:
//
//   output[n, y, x, c] = Σ (1 − |y' − v|) · (1 − |x' − u|) · input[n, y', x', c]
//
// over the two rows y' and the two columns x' around the place (v, u) of the output pixel in the input. Along an
// axis of `size` and `out_size` the place of i is (i + 1/2) · size / out_size − 1/2, or with ALIGN_CORNERS
// i · (size − 1) / (out_size − 1). Places are fractions of integers: nothing is rounded but the weights.
//
// Bindings: input and output are NHWC quads, ((n·H + y)·W + x)·Q + q, of H x W and of OH x OW pixels.
// An invocation of n takes every n-th quad of the output: neighbours read and write neighbouring quads, and the
// cache serves the overlap.

const WORKGROUP = 64u;

override H: u32;
override W: u32;
override Q: u32;
override OH: u32;
override OW: u32;
override ALIGN_CORNERS: bool;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read_write> output: array<Quad>;
@group(0) @binding(2) var<uniform> batch: u32;

// The place of output pixel i in the input along an axis, as a numerator over unit(). Without ALIGN_CORNERS it is
// (i + 1/2) · size / out_size − 1/2, at least that of the first pixel and at most that of the last.
fn numerator(i: u32, size: u32, out_size: u32) -> u32 {
    let centred = max((2u * i + 1u) * size, out_size) - out_size;
    return select(min(centred, (size - 1u) * 2u * out_size), i * (size - 1u), ALIGN_CORNERS);
}

fn unit(out_size: u32) -> u32 {
    return select(2u * out_size, max(out_size - 1u, 1u), ALIGN_CORNERS);
}

// A row of a sample, interpolated between columns x and x + 1 or, at the end, the last.
fn between(row: u32, x: u32, weight: f32, q: u32) -> vec4<f32> {
    let left = load(input[(row * W + x) * Q + q]);
    let right = load(input[(row * W + min(x + 1u, W - 1u)) * Q + q]);
    return (1.0 - weight) * left + weight * right;
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < batch * OH * OW * Q; index += workgroups.x * WORKGROUP) {
        let q = index % Q;
        let u = numerator(index / Q % OW, W, OW);
        let v = numerator(index / (Q * OW) % OH, H, OH);
        let n = index / (Q * OW * OH);

        let x = u / unit(OW);
        let y = v / unit(OH);
        let weight_x = f32(u % unit(OW)) / f32(unit(OW));
        let weight_y = f32(v % unit(OH)) / f32(unit(OH));
        let top = between(n * H + y, x, weight_x, q);
        let bottom = between(n * H + min(y + 1u, H - 1u), x, weight_x, q);
        output[index] = store((1.0 - weight_y) * top + weight_y * bottom);
    }
}
