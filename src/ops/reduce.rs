//! Sums that are split over workgroups and joined again. No operator of its own.

use super::program::{Activation, Dispatch, Program, TensorId, kernel};

/// The invocations of a workgroup of the kernels here.
const WORKGROUP: usize = 64;

/// The most terms that one invocation adds up in a loop, well below the 65,535 after which some
/// drivers end a loop without a word.
pub(crate) const MAX_TERMS: usize = 1 << 14;

/// Into how many parts to split a sum of `terms` terms, of which one part should have at least `least`, so
/// that `groups` workgroups times the parts are about as many as `wanted`.
pub(crate) fn splits(terms: usize, least: usize, groups: usize, wanted: usize) -> usize {
    let for_width = wanted.div_ceil(groups.max(1)).min(terms / least.max(1)).max(1);
    for_width.max(terms.div_ceil(MAX_TERMS))
}

/// How a sum over the pixels of an image is split: at image rows, and where those are very wide within them.
pub(crate) struct ImageSplits {
    /// The image rows of one split; one where it has only part of a row.
    pub lines: usize,
    /// The columns of one split. They are even, so that two pixels side by side are in one split.
    pub columns: usize,
    /// The number of splits.
    pub count: usize,
}

impl ImageSplits {
    /// About `wanted` splits of an image of this size, of which none has more than [`MAX_TERMS`] pixels.
    pub fn new(lines: usize, width: usize, wanted: usize) -> Self {
        let columns = width.next_multiple_of(2).min(MAX_TERMS);
        let span = lines.div_ceil(wanted.min(lines)).min((MAX_TERMS / width).max(1));
        Self { lines: span, columns, count: lines.div_ceil(span) * width.div_ceil(columns) }
    }
}

/// A sum in parts: where they go, until [`finish`](Self::finish) joins them.
pub(crate) struct Parts {
    /// What the kernel writes: the result itself where there is one part.
    pub tensor: TensorId,
    result: TensorId,
    parts: usize,
    quads: usize,
}

impl Parts {
    /// Room for `parts` parts of `quads` vec4 each.
    pub fn new(program: &mut Program, layer: &str, result: TensorId, parts: usize, quads: usize) -> Self {
        let tensor =
            if parts == 1 { result } else { program.tensor(format!("{layer}.partial"), parts * quads * 16) };
        Self { tensor, result, parts, quads }
    }

    /// Joins the parts.
    pub fn finish(self, program: &mut Program, layer: &str) {
        if self.parts > 1 {
            let dispatch = Dispatch::new(layer, kernel!("common/sum_partials"))
                .size("SPLITS", self.parts)
                .read(self.tensor)
                .write(self.result)
                .uniform(self.quads as u32)
                .invocations(self.quads, WORKGROUP)
                .flops((4 * self.quads * (self.parts - 1)) as u64);
            program.push(dispatch);
        }
    }
}

/// The sum of each channel over all pixels of a batch: the gradient to a bias.
pub(crate) fn sum_pixels(program: &mut Program, layer: &str, of: Activation, result: TensorId) {
    let (pixels, quads) = (of.pixels(), of.quads());
    // Each invocation sums enough pixels to be worth its while, and few enough are left to join.
    let splits = splits(pixels, 32, quads, 4096).min(128).max(pixels.div_ceil(MAX_TERMS));
    let span = pixels.div_ceil(splits);
    let splits = pixels.div_ceil(span);
    let parts = Parts::new(program, layer, result, splits, quads);
    let dispatch = Dispatch::new(layer, kernel!("common/sum_pixels"))
        .size("OUT_Q", quads)
        .read(of.tensor)
        .write(parts.tensor)
        .uniform(pixels as u32)
        .uniform(span as u32)
        .uniform(splits as u32)
        .invocations(quads * splits, WORKGROUP)
        .flops((4 * quads * pixels) as u64);
    program.push(dispatch);
    parts.finish(program, layer);
}
