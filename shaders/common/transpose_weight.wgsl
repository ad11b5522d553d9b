// Turns a weight into that of the gradient to the input: inputs and outputs exchanged in each group, taps reversed.
//
//   transposed[TAPS - 1 - tap][o][g * IN_G + c] = weight[tap][c][g * OUT_G + o]
//   for c in 0 .. IN_G = IN_C / GROUPS and o in 0 .. OUT_G = OUT_C / GROUPS
//
// weight      [TAPS][rows(IN_G)][OUT_Q] vec4 over all outputs; rows(n) = n padded to whole quads, or n itself where it
//             is less than four
// transposed  [TAPS][rows(OUT_G)][IN_Q] vec4 over all inputs
//
// An invocation owns one quad of the result. Weights are small beside the activations they meet, so that
// the scattered reads do not matter; what is gained is one convolution kernel for both directions.

override TAPS: u32 = 1;
override IN_C: u32 = 4;
override OUT_C: u32 = 4;
override GROUPS: u32 = 1;
override IN_G: u32 = IN_C / GROUPS;
override OUT_G: u32 = OUT_C / GROUPS;
override OUT_Q: u32 = (OUT_C + 3u) / 4u;

@group(0) @binding(0) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> transposed: array<vec4<f32>>;

fn rows(channels: u32) -> u32 {
    return select((channels + 3u) / 4u * 4u, channels, channels < 4u);
}

fn element(tap: u32, o: u32, c: u32) -> f32 {
    let inside = (c < IN_C) & (o < OUT_G);
    let row = tap * rows(IN_G) + c % IN_G;
    let column = c / IN_G * OUT_G + o;
    return select(0.0, weight[select(0u, row * OUT_Q + column / 4u, inside)][column % 4u], inside);
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
    let to_rows = rows(OUT_G);
    // The rows of the flattened matrix are rounded up to whole quads; those past the last tap are zero.
    if (row >= (TAPS * to_rows + 3u) / 4u * 4u) {
        return;
    }
    if (row >= TAPS * to_rows) {
        transposed[i] = vec4(0.0);
        return;
    }
    let tap = TAPS - 1u - row / to_rows;
    let o = row % to_rows;
    let c = 4u * (i % in_q);
    transposed[i] = vec4(element(tap, o, c), element(tap, o, c + 1u), element(tap, o, c + 2u), element(tap, o, c + 3u));
}
