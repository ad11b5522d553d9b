// The sum of the squares of gradients, split over workgroups, and whether all of them are finite. A part is
//   (Σ g² over |g| ≤ 2^48,  Σ (2^−80 · g)² over the larger ones,  how many are not finite,  0)
// The square of a number past 2^64 is not held by f32. So the large numbers are summed in another unit (Blue 1978, A
// portable Fortran program to find the Euclidean norm of a vector), and neither sum overflows for fewer than 2^32
// numbers. Squares of numbers below 2^−63 may vanish: clipping adds 10^−6 to their root.
//
// gradients: quads; padding is zero.
// partials: one vec4 a workgroup, of all blocks of gradients behind one another.
//
// Workgroup k of n sums quads k · 256 .. k · 256 + 255 and goes on n · 256 further until there are no more, so that
// neighbours read neighbouring quads; an invocation sums one of 256. They are joined as a fixed tree.

const WORKGROUP = 256u;
// The bits of an exponent: all ones in what is not finite. The compiler may take it that nothing is otherwise.
const EXPONENT = vec4<u32>(0x7f800000u);
const LARGE = vec4<f32>(0x1p48f);
const UNIT = 0x1p-80f;

struct Params {
    quads: u32,
    // The place of the first part.
    first: u32,
    // How many invocations join their sums: all of a workgroup. Were it a constant, drivers would write out the loop, and
    // those for processors take a tenth of a second for each barrier.
    lanes: u32,
}

@group(0) @binding(0) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> partials: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> sums: array<vec4<f32>, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let zero = vec4<f32>();
    let one = vec4(1.0);
    var squares = zero;
    var large_squares = zero;
    var wrong = zero;
    for (var i = workgroup.x * WORKGROUP + invocation; i < params.quads; i += workgroups.x * WORKGROUP) {
        let gradient = gradients[i];
        let is_finite = (bitcast<vec4<u32>>(gradient) & EXPONENT) != EXPONENT;
        let is_large = abs(gradient) > LARGE;
        let scaled = UNIT * gradient;
        squares += select(zero, gradient * gradient, is_finite & !is_large);
        large_squares += select(zero, scaled * scaled, is_finite & is_large);
        wrong += select(one, zero, is_finite);
    }
    sums[invocation] = vec4(dot(squares, one), dot(large_squares, one), dot(wrong, one), 0.0);
    workgroupBarrier();
    for (var half = params.lanes / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            sums[invocation] += sums[invocation + half];
        }
        workgroupBarrier();
    }
    if invocation == 0u {
        partials[params.first + workgroup.x] = sums[0];
    }
}
