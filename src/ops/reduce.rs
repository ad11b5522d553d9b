//! Sums that are split over workgroups and joined again. No operator of its own.

use std::ops::Range;

use super::elementwise::Function;
use super::program::{Activation, Dispatch, Program, TensorId, kernel};
use super::{LossPass, Reduction};
use crate::gpu::Capabilities;

/// The invocations of a workgroup of the kernels here.
const WORKGROUP: usize = 64;

/// The most terms that one invocation adds up in a loop. Some drivers end an invocation's loops after 65,535
/// iterations in all, without a word, and the tiled kernels take up to four for a term.
pub(crate) const MAX_TERMS: usize = 1 << 13;

/// How a device takes sums over many pixels that an invocation adds up a part of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summation {
    /// How many invocations keep it busy.
    invocations: usize,
    /// The most parts of a sum.
    parts: usize,
    /// The most parts that an invocation joins. On a GPU each is a wait for memory, and another dispatch takes less than
    /// many of those.
    joined: usize,
    /// Whether the terms of all parts lie between each other, so that neighbours read side by side whatever they read. On a
    /// processor, which runs a few invocations to their end before the next ones, a part lies in one piece.
    interleaved: bool,
}

impl Summation {
    pub fn on(capabilities: &Capabilities) -> Self {
        if capabilities.software {
            Self { invocations: 4096, parts: 128, joined: 1024, interleaved: false }
        } else {
            let invocations = WORKGROUP * capabilities.workgroups_wanted();
            Self { invocations, parts: 1024, joined: 32, interleaved: true }
        }
    }

    /// Into how many parts to split each of `sums` sums of `terms` terms, an invocation a part. Each invocation has `least`
    /// terms or more, which are worth its while, and few enough parts are left to join.
    pub fn parts(self, terms: usize, least: usize, sums: usize) -> usize {
        let parts = splits(terms, least, sums, self.invocations);
        parts.min(self.parts).max(terms.div_ceil(MAX_TERMS))
    }

    /// How many of so many parts are joined to one in the next round; the rounds are as few as can be, and as even.
    fn next_round(self, parts: usize) -> usize {
        let (mut rounds, mut reach) = (1, self.joined);
        while reach < parts {
            rounds += 1;
            reach *= self.joined;
        }
        (2..=self.joined).find(|span| span.pow(rounds) >= parts).unwrap_or(self.joined)
    }
}

/// Into how many parts to split a sum of `terms` terms, of which one part should have at least `least`, so
/// that `groups` workgroups times the parts are about as many as `wanted`.
pub(crate) fn splits(terms: usize, least: usize, groups: usize, wanted: usize) -> usize {
    let for_width = wanted.div_ceil(groups.max(1)).min(terms / least.max(1)).max(1);
    for_width.max(terms.div_ceil(MAX_TERMS))
}

/// Into how many parts to split the product of two images that workgroups sum over the pixels of, if a processor runs
/// them: it reads the operands again for each of its workgroups, which is faster where a part of them stays in a cache.
/// Parts move too: they are few enough to be little beside the operands.
pub(crate) fn cached_parts(
    operands: [Activation; 2],
    result_quads: usize,
    capabilities: &Capabilities,
) -> usize {
    /// What the second cache of a core holds.
    const CACHE: usize = 1 << 20;
    if !capabilities.software {
        return 1;
    }
    let bytes: usize = operands.iter().map(|image| image.total_quads() * 16).sum();
    (bytes / CACHE).min(bytes / (4 * result_quads * 16)).max(1)
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
pub(crate) struct Parts<'a> {
    /// What the kernel writes: the result itself where there is one part.
    pub tensor: TensorId,
    result: TensorId,
    parts: usize,
    quads: usize,
    /// What the result is of, if it is an activation; then the lanes past its last channel stay zero.
    image: Option<Activation>,
    /// What the finished sum goes through.
    activation: Option<&'a Function>,
}

impl<'a> Parts<'a> {
    /// Room for `parts` parts of `quads` vec4 each, to be joined in a parameter's gradient.
    pub fn new(program: &mut Program, layer: &str, result: TensorId, parts: usize, quads: usize) -> Self {
        let tensor =
            if parts == 1 { result } else { program.tensor(format!("{layer}.partial"), parts * quads * 16) };
        Self { tensor, result, parts, quads, image: None, activation: None }
    }

    /// Room for `parts` parts of an activation, whose finished sum goes through a function if there is one.
    pub fn of_activation(
        program: &mut Program,
        layer: &str,
        result: Activation,
        parts: usize,
        activation: Option<&'a Function>,
    ) -> Self {
        let parts = Self::new(program, layer, result.tensor, parts, result.total_quads());
        Self { image: Some(result), activation, ..parts }
    }

    /// Binds the parts to the dispatch that writes them.
    pub fn written_by(&self, dispatch: Dispatch) -> Dispatch {
        let dispatch = dispatch.write(self.tensor);
        if self.parts == 1 { self.finished_by(dispatch) } else { dispatch }
    }

    /// The dispatch that writes the result.
    fn finished_by(&self, dispatch: Dispatch) -> Dispatch {
        let dispatch = if self.image.is_some() { dispatch.result_is_activation() } else { dispatch };
        dispatch.activation(self.activation)
    }

    /// Joins the parts, in several rounds where there are very many.
    pub fn finish(self, program: &mut Program, layer: &str) {
        let (mut joined, mut parts, quads) = (self.tensor, self.parts, self.quads);
        while parts > 1 {
            let span = program.summation.next_round(parts);
            let ranges = parts.div_ceil(span);
            let Self { tensor: to, .. } = Self::new(program, layer, self.result, ranges, quads);
            let channels = self.image.filter(|_| ranges == 1).map_or(4, |image| image.shape.channels);
            let dispatch = Dispatch::new(layer, kernel!("common/sum_partials"))
                .read(joined)
                .write(to)
                .uniform_sizes(&[quads, parts, span, channels])
                .invocations(quads * ranges, WORKGROUP)
                .flops((4 * quads * (parts - 1)) as u64);
            program.push(if ranges == 1 { self.finished_by(dispatch) } else { dispatch });
            (joined, parts) = (to, ranges);
        }
    }
}

/// How a sum over `pixels` pixels of each of `quads` channel quads is split, an invocation a part: the number of parts, and
/// the uniform of the kernels that take it.
pub(crate) fn channel_splits(program: &Program, pixels: usize, quads: usize) -> (usize, [usize; 4]) {
    let parts = program.summation.parts(pixels, 32, quads);
    let span = pixels.div_ceil(parts);
    let parts = pixels.div_ceil(span);
    let interleaved = program.summation.interleaved && parts > 1;
    let [first, step] = if interleaved { [1, parts] } else { [span, 1] };
    (parts, [pixels, parts, first, step])
}

/// The sum of each channel over all pixels of a batch: the gradient to a bias.
pub(crate) fn sum_pixels(program: &mut Program, layer: &str, of: Activation, result: TensorId) {
    let (pixels, quads) = (of.pixels(), of.quads());
    let (splits, uniform) = channel_splits(program, pixels, quads);
    let parts = Parts::new(program, layer, result, splits, quads);
    let dispatch = Dispatch::new(layer, kernel!("common/sum_pixels"))
        .size("OUT_Q", quads)
        .read(of.tensor)
        .write(parts.tensor)
        .uniform_sizes(&uniform)
        .invocations(quads * splits, WORKGROUP)
        .flops((4 * quads * pixels) as u64);
    program.push(dispatch);
    parts.finish(program, layer);
}

/// The invocations of the workgroup that joins what a loss's workgroups measured.
const LOSS_WORKGROUP: usize = 256;

/// The end of a loss's forward pass: joins what its workgroups measured, those `parts` of the tensor `partials`
/// that are a [`LossOutput`](super::LossOutput) each, whose losses are sums.
pub(crate) fn finish_loss(
    pass: LossPass<'_>,
    loss: &str,
    reduction: Reduction,
    partials: TensorId,
    parts: Range<usize>,
) {
    pass.program.push(
        Dispatch::new(loss, kernel!("common/reduce_loss"))
            .constant("MEAN", reduction == Reduction::Mean)
            .read(partials)
            .write(pass.result)
            .uniform_sizes(&[parts.start, parts.end, LOSS_WORKGROUP])
            .flops(4 * parts.len() as u64),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_in_few_even_rounds() {
        let processor = Summation::on(&Capabilities { software: true, ..Capabilities::webgpu() });
        assert_eq!([2, 128, 1024].map(|parts| processor.next_round(parts)), [2, 128, 1024]);
        let gpu = Summation::on(&Capabilities::webgpu());
        assert_eq!([2, 32, 33, 1024, 6272].map(|parts| gpu.next_round(parts)), [2, 32, 6, 32, 19]);
        for parts in [1, 2, 31, 32, 33, 500, 1024, 1025, 6272, 100_000] {
            let (mut left, mut rounds) = (parts, 0);
            while left > 1 {
                let span = gpu.next_round(left);
                assert!((2..=32).contains(&span), "{parts}: {span}");
                left = left.div_ceil(span);
                rounds += 1;
            }
            assert_eq!(
                rounds,
                [1, 32, 1024, 32_768].iter().filter(|reach| **reach < parts).count(),
                "{parts}"
            );
        }
    }

    /// Whatever lies between what, every pixel is a term of one part.
    #[test]
    fn every_pixel_is_in_one_part() {
        for software in [false, true] {
            let program = Program::new(&Capabilities { software, ..Capabilities::webgpu() });
            for (pixels, quads) in [(1, 1), (31, 1), (1000, 3), (12_543, 16), (100_352, 1), (40_000, 9000)] {
                let (parts, [all, splits, first, step]) = channel_splits(&program, pixels, quads);
                assert_eq!((all, splits), (pixels, parts));
                let mut seen = vec![0; pixels];
                for split in 0..parts {
                    let begin = split * first;
                    let end = if step == 1 { (begin + first).min(pixels) } else { pixels };
                    assert!(begin < end, "part {split} of {parts} is empty");
                    (begin..end).step_by(step).for_each(|pixel| seen[pixel] += 1);
                }
                assert!(seen.iter().all(|times| *times == 1), "{pixels} pixels in {parts} parts");
            }
        }
    }
}
