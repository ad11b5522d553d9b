// Turns a weight into that of the gradient to the input: inputs and outputs exchanged in each group, taps reversed.
//
//   transposed[taps - 1 - tap][o][g * group_inputs + c] = weight[tap][c][g * group_outputs + o]
//
// weight      [taps][rows(group_inputs)][quads] vec4 over all outputs; rows(n) = n padded to whole quads, or n itself
//             where it is less than four
// transposed  [taps][rows(group_outputs)][quads] vec4 over all inputs
//
// An invocation owns one quad of the result. Weights are small beside the activations they meet, so that the scattered
// reads and the divisions do not matter; what is gained is one convolution kernel for both directions.

struct Params {
    taps: u32,
    // The channels of all groups, and of one.
    inputs: u32,
    outputs: u32,
    group_inputs: u32,
    group_outputs: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> transposed: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

fn rows(channels: u32) -> u32 {
    return select((channels + 3u) / 4u * 4u, channels, channels < 4u);
}

fn element(tap: u32, o: u32, c: u32) -> f32 {
    let inside = (c < params.inputs) & (o < params.group_outputs);
    let row = tap * rows(params.group_inputs) + c % params.group_inputs;
    let column = c / params.group_inputs * params.group_outputs + o;
    let place = row * ((params.outputs + 3u) / 4u) + column / 4u;
    return select(0.0, weight[select(0u, place, inside)][column % 4u], inside);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let quads = (params.inputs + 3u) / 4u;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let row = i / quads;
    let to_rows = rows(params.group_outputs);
    // The rows of the flattened matrix are rounded up to whole quads; those past the last tap are zero.
    if (row >= (params.taps * to_rows + 3u) / 4u * 4u) {
        return;
    }
    if (row >= params.taps * to_rows) {
        transposed[i] = vec4(0.0);
        return;
    }
    let tap = params.taps - 1u - row / to_rows;
    let o = row % to_rows;
    let c = 4u * (i % quads);
    transposed[i] = vec4(element(tap, o, c), element(tap, o, c + 1u), element(tap, o, c + 2u), element(tap, o, c + 3u));
}
