// Sums each channel over a range of pixels: the gradient to a bias, split so that enough invocations work.
//
//   partial[s][q] = sum over the pixels of split s of grad_output[pixel][q]
//
// grad_output  [pixels][OUT_Q] vec4 over channels
// partial      [splits][OUT_Q] vec4
//
// An invocation owns one channel quad of one split; neighbours read neighbouring quads.
// common/sum_partials.wgsl joins the splits.

override OUT_Q: u32 = 1;

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
    pixels: u32,
    // How many pixels one split sums.
    span: u32,
    splits: u32,
}

@group(0) @binding(0) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(1) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + local;
    let split = i / OUT_Q;
    if (split >= params.splits) {
        return;
    }
    let q = i % OUT_Q;
    let begin = split * params.span;
    let end = min(begin + params.span, params.pixels);
    var sum = vec4(0.0);
    for (var pixel = begin; pixel < end; pixel++) {
        sum += load(grad_output[pixel * OUT_Q + q]);
    }
    partial[i] = sum;
}
