// Padding with an image's own pixels, gradient to the input:
//
//   grad_input[n, y, x, c] = Σ grad_output[n, oy, ox, c] over the places (oy, ox) that hold pixel (y, x)
//
// Along an axis these are the pixel's own place and, mirrored, at most one before and one after it; or with
// REPLICATE, of the outermost pixels, all places from theirs to the end.
//
// Bindings: grad_output and grad_input are NHWC quads, ((n·H + y)·W + x)·Q + q, of OH x OW and of H x W pixels.
// An invocation of n takes every n-th quad of the input and gathers, so that nothing is added atomically and the
// order of the sum is fixed; neighbours are on neighbouring quads.

const WORKGROUP = 64u;

override H: u32;
override W: u32;
override Q: u32;
override OH: u32;
override OW: u32;
override TOP: u32;
override LEFT: u32;
override REPLICATE: bool;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

@group(0) @binding(0) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(1) var<storage, read_write> grad_input: array<Quad>;
@group(0) @binding(2) var<uniform> batch: u32;

// How many places along an axis to look at for pixel i.
fn places(i: u32, before: u32, size: u32, out_size: u32) -> u32 {
    let first = select(before + i, 0u, i == 0u);
    let end = select(before + i + 1u, out_size, i == size - 1u);
    return select(3u, end - first, REPLICATE);
}

// The k-th of these places. Where there is none it is past the end, if need be by wrapping around.
fn place(i: u32, k: u32, before: u32, size: u32) -> u32 {
    if REPLICATE {
        return select(before + i, 0u, i == 0u) + k;
    }
    let none = 0xffffffffu;
    let mirrored_before = select(before - i, none, i == 0u);
    let mirrored_after = select(before + 2u * (size - 1u) - i, none, i == size - 1u);
    return select(select(mirrored_after, mirrored_before, k == 1u), before + i, k == 0u);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    for (var index = invocation.x; index < batch * H * W * Q; index += workgroups.x * WORKGROUP) {
        let q = index % Q;
        let x = index / Q % W;
        let y = index / (Q * W) % H;
        let n = index / (Q * W * H);

        let rows = places(y, TOP, H, OH);
        let columns = places(x, LEFT, W, OW);
        var sum = vec4<f32>();
        for (var row = 0u; row < rows; row++) {
            let oy = place(y, row, TOP, H);
            if oy >= OH {
                continue;
            }
            for (var column = 0u; column < columns; column++) {
                let ox = place(x, column, LEFT, W);
                if ox < OW {
                    sum += load(grad_output[((n * OH + oy) * OW + ox) * Q + q]);
                }
            }
        }
        grad_input[index] = store(sum);
    }
}
