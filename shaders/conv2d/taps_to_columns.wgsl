// conv2d, few output channels: the weight as the matrix that gives what every tap has of a pixel.
//
//   columns[c][tap * OUT_C + o] = weight[tap][c][o]
//
// weight   [TAPS][rows(IN_C)][OUT_Q] vec4 over output channels; rows(n) = n padded to whole quads, or n itself where it
//          is less than four
// columns  [IN_C padded to whole quads][ceil(TAPS * OUT_C / 4)] vec4; its padding is zero
//
// An invocation owns one quad of the result. Weights are small beside the activations they meet, so that the scattered
// reads do not matter.

override TAPS: u32 = 1;
override IN_C: u32 = 4;
override OUT_C: u32 = 4;
override OUT_Q: u32 = (OUT_C + 3u) / 4u;

@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> columns: array<vec4<f32>>;

fn element(c: u32, column: u32) -> f32 {
    let rows = select((IN_C + 3u) / 4u * 4u, IN_C, IN_C < 4u);
    let inside = (c < IN_C) & (column < TAPS * OUT_C);
    let o = column % OUT_C;
    let index = (column / OUT_C * rows + c) * OUT_Q + o / 4u;
    return select(0.0, weight[select(0u, index, inside)][o % 4u], inside);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let column_quads = (TAPS * OUT_C + 3u) / 4u;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let c = i / column_quads;
    if (c >= (IN_C + 3u) / 4u * 4u) {
        return;
    }
    let column = 4u * (i % column_quads);
    columns[i] = vec4(element(c, column), element(c, column + 1u), element(c, column + 2u), element(c, column + 3u));
}
