// PReLU, gradient to the slopes, in parts: a sum over pixels, split so that enough invocations work.
//
//   partial[s][q] = sum over the pixels of split s of input · grad_output where input <= 0
//
// input, grad_output  [pixels][QUADS] vec4 over channels. Where one slope serves all channels (SHARED is 1), QUADS
//                     is 1 and every quad counts as a pixel.
// partial             [splits][QUADS] vec4; with one slope its sum is in the first lane, and the others are zero
//
// An invocation owns one channel quad of one split. On a GPU splits lie between each other, so that neighbours read
// neighbouring quads however few there are in a pixel; on a processor each lies in one piece.
// common/sum_partials.wgsl joins the splits.

override QUADS: u32 = 1;
override SHARED: u32 = 0;

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

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = (group.x + group.y * groups.x) * 64u + local;
    let split = i / QUADS;
    if split >= params.splits {
        return;
    }
    // Pieces are as long as they are apart.
    let begin = split * params.first;
    let end = select(params.pixels, min(begin + params.first, params.pixels), params.step == 1u);
    var sum = vec4(0.0);
    for (var pixel = begin; pixel < end; pixel += params.step) {
        let at = pixel * QUADS + i % QUADS;
        let x = load(input[at]);
        sum += select(vec4<f32>(), x * load(grad_output[at]), x <= vec4<f32>());
    }
    if SHARED == 1u {
        sum = vec4(dot(sum, vec4(1.0)), 0.0, 0.0, 0.0);
    }
    partial[i] = sum;
}
