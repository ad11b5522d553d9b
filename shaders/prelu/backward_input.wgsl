// PReLU, backward: grad_input = grad_output where input > 0, otherwise weight[c] · grad_output.
//
// input, grad_output, grad_input: the quads of an activation, [pixel][QUADS]; where grad_output is zero, as in pad
// lanes, so is grad_input.
// weight: the slopes, [QUADS] vec4 over channels, or one slope for all of them where SHARED is 1.
// An invocation of n takes every n-th quad, as in the forward pass.

const WORKGROUP = 64u;

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

@group(0) @binding(0) var<storage, read> input: array<Quad>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> grad_output: array<Quad>;
@group(0) @binding(3) var<storage, read_write> grad_input: array<Quad>;
// The number of quads.
@group(0) @binding(4) var<uniform> quads: u32;

// The slope of the channels of quad q: that of each, or the one of all.
fn slope(q: u32) -> vec4<f32> {
    return select(weight[select(q, 0u, SHARED == 1u)], vec4(weight[0].x), SHARED == 1u);
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(global_invocation_id) invocation: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
) {
    let stride = workgroups.x * WORKGROUP;
    // Where whole pixels lie between its quads, an invocation stays with its channels.
    let stays = stride % QUADS == 0u;
    var own = slope(invocation.x % QUADS);
    for (var index = invocation.x; index < quads; index += stride) {
        if !stays {
            own = slope(index % QUADS);
        }
        let grad = load(grad_output[index]);
        grad_input[index] = store(select(grad, own * grad, load(input[index]) <= vec4<f32>()));
    }
}
