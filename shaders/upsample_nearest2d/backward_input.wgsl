// Resampling by the nearest pixel, gradient to the input:
//
//   grad_input[n, y, x, c] = Σ grad_output[n, oy, ox, c] over the places with source(oy) = y, source(ox) = x
//
// where along each axis source(i) = ⌊(FACTOR · i + SHIFT) / DIVISOR⌋, or the first or the last pixel where that is
// none. Of pixel y between those these are the places from ⌈(y · DIVISOR − SHIFT) / FACTOR⌉ to below the same of
// y + 1. SHIFT may be negative; all products fit in an i32.
//
// Bindings: grad_output and grad_input are NHWC quads, ((n·H + y)·W + x)·Q + q, of OH x OW and of H x W pixels.
// Where the sum is split, by rows, grad_input is partial sums, [split][its quads], which common/sum_partials.wgsl
// joins.
// An invocation owns one quad of one split and gathers, so that nothing is added atomically and the order of the sum
// is fixed; neighbours read neighbouring quads.

const WORKGROUP = 64u;

override H: u32;
override W: u32;
override Q: u32;
override OH: u32;
override OW: u32;
override FACTOR_Y: i32;
override SHIFT_Y: i32;
override DIVISOR_Y: i32;
override FACTOR_X: i32;
override SHIFT_X: i32;
override DIVISOR_X: i32;

// section storage: how an activation lies in memory. Another is put here where it is stored in half precision.
alias Quad = vec4<f32>;
fn load(quad: Quad) -> vec4<f32> {
    return quad;
}
fn store(value: vec4<f32>) -> Quad {
    return value;
}
// end storage

// section result: how the output lies in memory, an activation or partial sums in f32.
alias Result = vec4<f32>;
fn store_result(value: vec4<f32>) -> Result {
    return value;
}
// end result

struct Params {
    batch: u32,
    // How many rows one split sums.
    span: u32,
    splits: u32,
}

@group(0) @binding(0) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(1) var<storage, read_write> grad_input: array<Result>;
@group(0) @binding(2) var<uniform> params: Params;

// The first place along an axis of the output that reads pixel i of `size` or a later one.
fn first_reader(i: u32, size: u32, out_size: u32, factor: i32, shift: i32, divisor: i32) -> u32 {
    let place = max(i32(i) * divisor - shift, 0);
    let between = min(u32((place + factor - 1) / factor), out_size);
    return select(select(between, out_size, i >= size), 0u, i == 0u);
}

fn first_row(y: u32) -> u32 {
    return first_reader(y, H, OH, FACTOR_Y, SHIFT_Y, DIVISOR_Y);
}

fn first_column(x: u32) -> u32 {
    return first_reader(x, W, OW, FACTOR_X, SHIFT_X, DIVISOR_X);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let index = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP + invocation;
    let quads = params.batch * H * W * Q;
    if index >= params.splits * quads {
        return;
    }
    let split = index / quads;
    let q = index % Q;
    let x = index / Q % W;
    let y = index / (Q * W) % H;
    let n = index % quads / (Q * W * H);

    let top = first_row(y) + split * params.span;
    let bottom = min(top + params.span, first_row(y + 1u));
    let left = first_column(x);
    let right = first_column(x + 1u);
    var sum = vec4<f32>();
    for (var oy = top; oy < bottom; oy++) {
        for (var ox = left; ox < right; ox++) {
            sum += load(grad_output[((n * OH + oy) * OW + ox) * Q + q]);
        }
    }
    grad_input[index] = store_result(sum);
}
