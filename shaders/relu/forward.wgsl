// ReLU, forward: output = input where input > 0, otherwise 0.
//
// input, output: the quads of an activation, [pixel][quad]. Pad lanes stay zero by themselves.
// An invocation owns one quad, a workgroup 256 quads in a row: the kernel is bound by memory, and
// neighbours on neighbouring quads read and write it in one piece.

const WORKGROUP = 256u;

@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4<f32>>;
// The number of quads.
@group(0) @binding(2) var<uniform> quads: u32;

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
    let x = input[index];
    // A maximum may hide NaN as zero. The comparison keeps it, unless the driver takes leave to assume none.
    output[index] = select(x, vec4<f32>(), x <= vec4<f32>());
}
