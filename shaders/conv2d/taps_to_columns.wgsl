// conv2d, few output channels: the weight as the matrix that gives what every tap has of a pixel.
//
//   columns[c][tap * outputs + o] = weight[tap][c][o]
//
// weight   [taps][rows(inputs)][quads] vec4 over output channels; rows(n) = n padded to whole quads, or n itself where
//          it is less than four
// columns  [inputs padded to whole quads][ceil(taps * outputs / 4)] vec4; its padding is zero
//
// An invocation owns one quad of the result. Weights are small beside the activations they meet, so that the scattered
// reads and the divisions do not matter.

struct Params {
    taps: u32,
    inputs: u32,
    outputs: u32,
}

@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> columns: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

fn element(c: u32, column: u32) -> f32 {
    let rows = select((params.inputs + 3u) / 4u * 4u, params.inputs, params.inputs < 4u);
    let inside = (c < params.inputs) & (column < params.taps * params.outputs);
    let o = column % params.outputs;
    let index = (column / params.outputs * rows + c) * ((params.outputs + 3u) / 4u) + o / 4u;
    return select(0.0, weight[select(0u, index, inside)][o % 4u], inside);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let column_quads = (params.taps * params.outputs + 3u) / 4u;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let c = i / column_quads;
    if (c >= (params.inputs + 3u) / 4u * 4u) {
        return;
    }
    let column = 4u * (i % column_quads);
    columns[i] = vec4(element(c, column), element(c, column + 1u), element(c, column + 2u), element(c, column + 3u));
}
