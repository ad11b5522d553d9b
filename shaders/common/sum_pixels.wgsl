// Sums each channel over a range of pixels: the gradient to a bias, split so that enough invocations work.
//
//   partial[s][q] = sum over the pixels of split s of grad_output[pixel][q]
//
// grad_output  [pixels][OUT_Q] vec4 over channels
// partial      [splits][OUT_Q] vec4
//
// An invocation owns one channel quad of one split. On a GPU splits lie between each other, so that neighbours read
// neighbouring quads however few there are in a pixel; on a processor each lies in one piece.
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
    splits: u32,
    // How far the first pixels of two splits are apart, and two pixels of one: a split lies in one piece, or between the
    // others.
    first: u32,
    step: u32,
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
    // Pieces are as long as they are apart.
    let begin = split * params.first;
    let end = select(params.pixels, min(begin + params.first, params.pixels), params.step == 1u);
    var sum = vec4(0.0);
    for (var pixel = begin; pixel < end; pixel += params.step) {
        sum += load(grad_output[pixel * OUT_Q + q]);
    }
    partial[i] = sum;
}
