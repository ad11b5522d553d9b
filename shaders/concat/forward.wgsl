// Concatenation along channels, forward, for one of the inputs:
// output[pixel][OFFSET + c] = input[pixel][c].
//
// input: the quads of an activation of CHANNELS channels, [pixel][quad].
// output: an activation of ROW floats a pixel, written float by float: where the channels of an input are
// no multiple of four, a quad of the output belongs to several inputs. Each dispatch writes its own lanes
// and no other, and the last one the PADS zeros behind them.
// An invocation owns one quad of the input, a workgroup 256 in a row: reads are in one piece, and the
// four writes of an invocation lie side by side.

const WORKGROUP = 256u;

override CHANNELS: u32;
override OFFSET: u32;
override ROW: u32;
override PADS: u32;

@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> output: array<f32>;
// The number of quads of the input.
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
    let rest = CHANNELS - channel;
    let quad = input[index];
    for (var lane = 0u; lane < min(rest, 4u); lane++) {
        output[first + lane] = quad[lane];
    }
    if rest <= 4u {
        for (var pad = 0u; pad < PADS; pad++) {
            output[first + rest + pad] = 0.0;
        }
    }
}
