// Concatenation along channels, backward, for one of the inputs:
// grad_input[pixel][c] = grad_output[pixel][OFFSET + c], zero in the pad lanes.
//
// grad_output: an activation of ROW floats a pixel, read float by float, as the slice need not begin
// with a quad.
// grad_input: the quads of an activation of CHANNELS channels, [pixel][quad].
// An invocation owns one quad of grad_input, a workgroup 256 in a row: writes are in one piece, and the
// four reads of an invocation lie side by side.

const WORKGROUP = 256u;

override CHANNELS: u32;
override OFFSET: u32;
override ROW: u32;

@group(0) @binding(0) var<storage, read> grad_output: array<f32>;
@group(0) @binding(1) var<storage, read_write> grad_input: array<vec4<f32>>;
// The number of quads of grad_input.
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
    let pixel_quads = (CHANNELS + 3u) / 4u;
    let channel = (index % pixel_quads) * 4u;
    let first = (index / pixel_quads) * ROW + OFFSET + channel;
    var quad = vec4<f32>();
    for (var lane = 0u; lane < min(CHANNELS - channel, 4u); lane++) {
        quad[lane] = grad_output[first + lane];
    }
    grad_input[index] = quad;
}
