// Max pooling: where the taps that won are kept for the gradient.
//
// A file of sections, put into the place of the kernels' own (src/ops/section.rs).

// section taps: a word of four taps, or one of them, for each quad of the output.
struct Params {
    // The number of samples.
    batch: u32,
    // Rows and columns of x, H and W, and of y, OH and OW.
    height: u32,
    width: u32,
    out_height: u32,
    out_width: u32,
    // Quads of channels, Q.
    quads: u32,
    // The windows of a row that an invocation takes, and how many such strips a row has.
    strip: u32,
    strips: u32,
}
@group(0) @binding(2) var<storage, read_write> taps: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;
fn keep(place: u32, word: u32) {
    taps[place] = word;
}
// end taps
