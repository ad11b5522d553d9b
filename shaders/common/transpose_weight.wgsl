// Turns a weight into that of the gradient to the input: inputs and outputs exchanged, taps reversed.
//
//   transposed[TAPS - 1 - tap][o][c] = weight[tap][c][o]
//
// weight      [TAPS][rows][OUT_Q] vec4 over the outputs o; rows = IN_C padded to whole quads, or IN_C itself
//             where it is less than four
// transposed  [TAPS][TO_ROWS][IN_Q] vec4 over the inputs c; TO_ROWS = the outputs, padded by the same rule
//
// An invocation owns one quad of the result. Weights are small beside the activations they meet, so that
// the scattered reads do not matter; what is gained is one convolution kernel for both directions.

override TAPS: u32 = 1;
override IN_C: u32 = 4;
override OUT_Q: u32 = 1;
override TO_ROWS: u32 = 4;

@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> transposed: array<vec4<f32>>;

fn element(tap: u32, c: u32, o: u32) -> f32 {
    let rows = select((IN_C + 3u) / 4u * 4u, IN_C, IN_C < 4u);
    let inside = c < IN_C;
    let row = tap * rows + c;
    return select(0.0, weight[select(0u, row * OUT_Q + o / 4u, inside)][o % 4u], inside);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let in_q = (IN_C + 3u) / 4u;
    let i = (group.x + group.y * groups.x) * 64u + local;
    let row = i / in_q;
    // The rows of the flattened matrix are rounded up to whole quads; those past the last tap are zero.
    let rows = (TAPS * TO_ROWS + 3u) / 4u * 4u;
    if (row >= rows) {
        return;
    }
    if (row >= TAPS * TO_ROWS) {
        transposed[i] = vec4(0.0);
        return;
    }
    let tap = TAPS - 1u - row / TO_ROWS;
    let o = row % TO_ROWS;
    let c = 4u * (i % in_q);
    transposed[i] = vec4(element(tap, c, o), element(tap, c + 1u, o), element(tap, c + 2u, o), element(tap, c + 3u, o));
}
