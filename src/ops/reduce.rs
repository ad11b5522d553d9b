//! Sums that are split over workgroups and joined again. No operator of its own.

use super::program::{Activation, Dispatch, Program, TensorId, kernel};

/// The invocations of a workgroup of the kernels here.
const WORKGROUP: usize = 64;

/// The most terms that one invocation adds up in a loop. Some drivers end an invocation's loops after 65,535
/// iterations in all, without a word, and the tiled kernels take up to four for a term.
pub(crate) const MAX_TERMS: usize = 1 << 13;

/// The most parts that one invocation joins in one loop.
const MAX_PARTS: usize = 1 << 10;

/// Into how many parts to split a sum of `terms` terms, of which one part should have at least `least`, so
/// that `groups` workgroups times the parts are about as many as `wanted`.
pub(crate) fn splits(terms: usize, least: usize, groups: usize, wanted: usize) -> usize {
    let for_width = wanted.div_ceil(groups.max(1)).min(terms / least.max(1)).max(1);
    for_width.max(terms.div_ceil(MAX_TERMS))
}

/// How to split a sum over all pixels of a batch: into how many parts, of how many pixels. The other arguments are
/// those of [`splits`]. A part is whole image rows where that is not too long.
pub(crate) fn pixel_splits(of: Activation, least: usize, groups: usize, wanted: usize) -> (usize, usize) {
    let pixels = of.pixels();
    let span =
        pixels.div_ceil(splits(pixels, least, groups, wanted).min(256).max(pixels.div_ceil(MAX_TERMS)));
    let rows = span.next_multiple_of(of.shape.width);
    let span = if rows <= MAX_TERMS { rows } else { span };
    (pixels.div_ceil(span), span)
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

    /// Joins the parts, in several rounds where there are very many.
    pub fn finish(self, program: &mut Program, layer: &str) {
        let Self { tensor: mut joined, result, mut parts, quads } = self;
        while parts > 1 {
            let span = parts.min(MAX_PARTS);
            let Self { tensor: to, .. } = Self::new(program, layer, result, parts.div_ceil(span), quads);
            let dispatch = Dispatch::new(layer, kernel!("common/sum_partials"))
                .read(joined)
                .write(to)
                .uniform(quads as u32)
                .uniform(parts as u32)
                .uniform(span as u32)
                .invocations(quads * parts.div_ceil(span), WORKGROUP)
                .flops((4 * quads * (parts - 1)) as u64);
            program.push(dispatch);
            (joined, parts) = (to, parts.div_ceil(span));
        }
    }
}

/// How to split a sum over `pixels` pixels of each of `quads` channel quads, an invocation a part: into how many
/// parts, of how many pixels. Each invocation sums enough pixels to be worth its while, and few enough parts are
/// left to join.
pub(crate) fn channel_splits(pixels: usize, quads: usize) -> (usize, usize) {
    let splits = splits(pixels, 32, quads, 4096).min(128).max(pixels.div_ceil(MAX_TERMS));
    let span = pixels.div_ceil(splits);
    (pixels.div_ceil(span), span)
}

/// The sum of each channel over all pixels of a batch: the gradient to a bias.
pub(crate) fn sum_pixels(program: &mut Program, layer: &str, of: Activation, result: TensorId) {
    let (pixels, quads) = (of.pixels(), of.quads());
    let (splits, span) = channel_splits(pixels, quads);
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
