// Max pooling: where the taps that won are kept for the gradient.
//
// A file of sections, put into the place of the kernels' own (src/ops/section.rs).

// section taps: a word of four taps, or one of them, for each quad of the output.
@group(0) @binding(2) var<storage, read_write> taps: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;
fn keep(place: u32, word: u32) {
    taps[place] = word;
}
// end taps
