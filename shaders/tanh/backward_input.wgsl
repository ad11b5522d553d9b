// Hyperbolic tangent, backward: grad_input = grad_output (1 − output²).
//
// output, grad_output, grad_input: the quads of an activation, [pixel][quad]; where grad_output is
// zero, as in pad lanes, so is grad_input.
// An invocation owns one quad, a workgroup 256 quads in a row, as in the forward pass.

const WORKGROUP = 256u;

@group(0) @binding(0) var<storage, read> output: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> grad_output: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> grad_input: array<vec4<f32>>;
// The number of quads.
@group(0) @binding(3) var<uniform> quads: u32;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let index = (workgroup.x + workgroup.y * workgroups.x) * WORKGROUP + invocation;
    if index >= quads {
        return;
    }
    let y = output[index];
    grad_input[index] = grad_output[index] * (1.0 - y * y);
}
