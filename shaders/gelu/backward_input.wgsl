// GELU, backward: grad_input = grad_output · (Φ(input) + input φ(input)), φ(x) = e^(−x²/2) / √(2π).
//
// input, grad_output, grad_input: the quads of an activation, [pixel][quad]; where grad_output is
// zero, as in pad lanes, so is grad_input.
// An invocation of n takes every n-th quad, as in the forward pass.

const WORKGROUP = 64u;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

// section gradient: the gradient to the input, which can also be computed in place.
// The distribution function of the standard normal distribution, (1 + erf(x / √2)) / 2. Near zero erf is a polynomial;
// elsewhere 1 − erf(z) = e^r with r a polynomial, so that nothing cancels in the tail to the left. Both are minimax
// approximations with an error below 10⁻⁷.
fn normal_distribution(x: vec4<f32>) -> vec4<f32> {
    let z = min(abs(x) * 0.70710678, vec4(15.0));
    let s = z * z;
    var near = s * -5.96761703e-4 + 4.99119423e-3;
    near = near * s - 2.67681349e-2;
    near = near * s + 1.12819925e-1;
    near = near * s - 3.76125336e-1;
    near = near * s + 1.28379166e-1;
    near = near * z + z;
    var r = z * -1.72853470e-5 + 3.83197126e-4;
    let u = z * -3.88396438e-3 + 2.42546219e-2;
    r = r * s + u;
    r = r * z - 1.06777877e-1;
    r = r * z - 6.34846687e-1;
    r = r * z - 1.28717512e-1;
    let tail = 0.5 * exp(r * z - z);
    let left = select(tail, 0.5 - 0.5 * near, z < vec4(0.927734375));
    return select(left, 1.0 - left, x >= vec4<f32>());
}
fn gradient(x: vec4<f32>, grad: vec4<f32>) -> vec4<f32> {
    // Beyond 30 the density is zero; the square of a larger number might overflow.
    let c = clamp(x, vec4(-30.0), vec4(30.0));
    let density = 0.39894228 * exp(-0.5 * c * c);
    return grad * (normal_distribution(x) + c * density);
}
// end gradient

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> grad_input: array<Quad>;
// The number of quads.
@group(0) @binding(3) var<uniform> quads: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < quads; index += workgroups.x * WORKGROUP) {
        grad_input[index] = store(gradient(load(input[index]), load(grad_output[index])));
    }
}
