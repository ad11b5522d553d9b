// The gradient to an operand that was broadcast: the sum over the axes along which it was repeated,
//
//   grad_operand[n, y, x, c] = Σ grad_output[n, y', x', c'] · factor[n, y', x', c']
//
// over all y', x', c' where the operand has one row, column or channel, and y, x, c alone where it has as many as
// the output. The factor, the other operand of a product, is read as if repeated where it has one of them; without
// FACTOR there is none, and what is bound in its place is not read.
//
// Bindings: grad_output, factor and grad_operand are NHWC quads, ((n·H + y)·W + x)·Q + q, of (H, W, C), (F_H, F_W,
// F_C) and (K_H, K_W, K_C) rows, columns and channels. Where the sum is split, grad_operand is partial sums,
// [split][its quads], which common/sum_partials.wgsl joins.
// An invocation owns one quad of one split. What it sums are quads, channels fastest, then columns, then rows:
// neighbours read neighbouring quads where the channels are kept, and each its own run where they are summed.

const WORKGROUP = 64u;

override C: u32;
override H: u32;
override W: u32;
override F_C: u32;
override F_H: u32;
override F_W: u32;
override K_C: u32;
override K_H: u32;
override K_W: u32;
override FACTOR: bool;

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
    // How many quads one split sums.
    span: u32,
    splits: u32,
}

@group(0) @binding(0) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(1) var<storage, read> factor: array<Quad>;
@group(0) @binding(2) var<storage, read_write> grad_operand: array<Result>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let index = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP + invocation;
    let quads = (C + 3u) / 4u;
    let kept_quads = (K_C + 3u) / 4u;
    let factor_quads = (F_C + 3u) / 4u;
    let kept = params.batch * K_H * K_W * kept_quads;
    if index >= params.splits * kept {
        return;
    }
    let split = index / kept;
    let q = index % kept_quads;
    let x = index / kept_quads % K_W;
    let y = index / (kept_quads * K_W) % K_H;
    let n = index % kept / (kept_quads * K_W * K_H);

    // How many quads, columns and rows are summed: one where the operand has as many as the output.
    let sum_quads = quads / kept_quads;
    let sum_columns = W / K_W;
    let sum_rows = H / K_H;
    let begin = split * params.span;
    let end = min(begin + params.span, sum_quads * sum_columns * sum_rows);
    var sum = vec4<f32>();
    for (var term = begin; term < end; term++) {
        let tq = q + term % sum_quads;
        let tx = x + term / sum_quads % sum_columns;
        let ty = y + term / (sum_quads * sum_columns);
        var value = load(grad_output[((n * H + ty) * W + tx) * quads + tq]);
        if FACTOR {
            let row = n * F_H + min(ty, F_H - 1u);
            let place = (row * F_W + min(tx, F_W - 1u)) * factor_quads + min(tq, factor_quads - 1u);
            let by = load(factor[place]);
            value *= select(by, by.xxxx, F_C == 1u);
        }
        sum += value;
    }
    // The channels are summed after the rest. Pad lanes are zero unless a factor was infinite that reaches into them.
    if (K_C == 1u) & (C > 1u) {
        sum = vec4<f32>(sum.x + sum.y + sum.z + sum.w, 0.0, 0.0, 0.0);
    }
    let channel = vec4<u32>(4u * q) + vec4<u32>(0u, 1u, 2u, 3u);
    grad_operand[index] = store_result(select(vec4<f32>(), sum, channel < vec4<u32>(K_C)));
}
