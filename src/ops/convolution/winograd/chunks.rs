//! What a pass does at a time.
//!
//! The input and the products at the points take 2.25 numbers for each of the images (3x3) or 4 (5x5). A chunk of the tiles
//! needs room only for its own, which the next chunk uses again, and what is small enough never leaves the cache between
//! two dispatches. Where there are few tiles and many channels it is the weight at the points that is large, four or 2.6
//! times the weight: then a chunk is some of the output channels.

use std::ops::Range;

use super::super::problem::{Pass, Problem};
use super::filtering::Filtering;
use super::{BLOCK, channels, tiles};

/// The most chunks: each is three dispatches or four, which all have to be made and to wait for each other.
const MOST: usize = 32;

/// What a pass works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The points of a tile.
    pub points: usize,
    /// The tiles of all samples, rounded up to whole blocks.
    pub tiles: usize,
    /// The quads of input channels.
    pub inputs: usize,
    /// The quads of output channels.
    pub outputs: usize,
}

impl Extent {
    /// That of a problem.
    pub fn of(problem: &Problem, filtering: Filtering) -> Self {
        let [inputs, outputs] = channels(problem);
        let [rows, columns] = tiles(problem, filtering);
        let points = filtering.points();
        Self { points, tiles: (problem.batch * rows * columns).next_multiple_of(BLOCK), inputs, outputs }
    }

    /// The quads that the input, the products (or the gradient to the output) and the weight (or its gradient) have at
    /// all points.
    pub fn quads(self) -> [usize; 3] {
        let Self { points, tiles, inputs, outputs } = self;
        [tiles * inputs, tiles * outputs, 4 * inputs * outputs].map(|quads| points * quads)
    }
}

/// A pass in chunks, of tiles or of output channels: in one of the two there is one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunks {
    whole: Extent,
    /// The largest; only the last has less.
    one: Extent,
}

impl Chunks {
    /// All that are worth a thought, the fewest chunks first.
    pub fn all(whole: Extent) -> Vec<Self> {
        let blocks = whole.tiles / BLOCK;
        let of_tiles = |n| Extent { tiles: blocks.div_ceil(n) * BLOCK, ..whole };
        let of_outputs = |n| Extent { outputs: whole.outputs.div_ceil(n), ..whole };
        let mut all: Vec<Self> =
            (1..=MOST).flat_map(|n| [of_tiles(n), of_outputs(n)]).map(|one| Self { whole, one }).collect();
        all.dedup();
        all
    }

    /// All that is done.
    pub fn whole(&self) -> Extent {
        self.whole
    }

    /// What is done at a time.
    pub fn one(&self) -> Extent {
        self.one
    }

    /// The tiles of each chunk.
    pub fn tiles(&self) -> Vec<Range<usize>> {
        ranges(self.whole.tiles, self.one.tiles)
    }

    /// The quads of output channels of each chunk.
    pub fn outputs(&self) -> Vec<Range<usize>> {
        ranges(self.whole.outputs, self.one.outputs)
    }

    /// The bytes of the largest tensor that goes between two dispatches of a pass. The chunks of a gradient to the weight
    /// each have a part of it, which are joined.
    pub fn largest_binding(&self, pass: Pass) -> usize {
        let parts = if pass == Pass::BackwardWeight { self.tiles().len() } else { 1 };
        let [input, output, weight] = self.one.quads();
        16 * input.max(output).max(parts * weight)
    }
}

/// `0..whole` in ranges of `one`, of which the last may be shorter.
fn ranges(whole: usize, one: usize) -> Vec<Range<usize>> {
    (0..whole).step_by(one).map(|start| start..whole.min(start + one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_few_and_cover_everything_once() {
        for whole in [(32, 1, 1), (64, 3, 5), (1568, 16, 16), (32, 128, 128), (3136, 8, 17)] {
            let (tiles, inputs, outputs) = whole;
            let all = Chunks::all(Extent { points: 36, tiles, inputs, outputs });
            assert_eq!(all[0].one(), all[0].whole);
            for chunks in all {
                let [tiles, outputs] = [chunks.tiles(), chunks.outputs()];
                assert!(tiles.len() == 1 || outputs.len() == 1);
                assert!(tiles.len() * outputs.len() <= MOST);
                let covered = |ranges: &[Range<usize>]| ranges.iter().map(Range::len).sum::<usize>();
                assert_eq!([covered(&tiles), covered(&outputs)], [chunks.whole.tiles, chunks.whole.outputs]);
                assert!(
                    tiles.iter().all(|range| range.len() % BLOCK == 0 && range.len() <= chunks.one.tiles)
                );
            }
        }
    }
}
