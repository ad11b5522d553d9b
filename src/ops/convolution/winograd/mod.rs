//! The dispatches of a convolution of stride 1 by Winograd's minimal filtering: tiles of the image and the kernels are
//! transformed to 36 or 64 points, the product is a matrix product at each of them, and the outputs come from these. A
//! kernel of 3 x 3 takes 2.25 multiply-adds for an output instead of 9, one of 5 x 5 takes 4 instead of 25.
//!
//! The points make differences of large numbers, so that rounding weighs more than in a direct sum, and it spreads over
//! a tile: a large pixel is felt in outputs that it does not touch. [`accuracy`] says where sums are long enough.
//!
//! What goes between the dispatches is several times as large as the images. So a pass takes its tiles, or its output
//! channels, in [`chunks`], one after another in the same memory.

mod accuracy;
mod chunks;
mod estimate;
mod filtering;
mod record;

use super::super::program::quads;
use super::Direction;
use super::problem::Problem;
use super::tiling::Tiling;
use crate::gpu::Capabilities;
use crate::shape::Geometry;
use chunks::{Chunks, Extent};
use filtering::Filtering;

/// The invocations of a workgroup of the transforms.
const WORKGROUP: usize = 64;

/// What the number of tiles is rounded up to: no workgroup of a product has fewer.
const BLOCK: usize = 32;

/// How many tiles lie side by side in the input at a point: see `winograd_product_subgroup.wgsl`.
const LINE: usize = 8;

/// How a pass is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Winograd {
    /// How the products are cut into tiles.
    tiling: Tiling,
    filtering: Filtering,
    /// What is done at a time.
    chunks: Chunks,
}

impl Winograd {
    /// Those that compute a problem on a device, and with an error within the bound of a direct sum.
    pub fn all(problem: &Problem, capabilities: &Capabilities) -> Vec<Self> {
        let Some(filtering) = Filtering::of(problem) else { return vec![] };
        let tilings = Tiling::all(problem, capabilities).into_iter();
        tilings.filter_map(|tiling| Self::chunked(problem, tiling, filtering, capabilities)).collect()
    }

    /// The one with the chunks that are best by estimate, among those that a device can bind.
    fn chunked(
        problem: &Problem,
        tiling: Tiling,
        filtering: Filtering,
        capabilities: &Capabilities,
    ) -> Option<Self> {
        let extent = Extent::of(problem, filtering);
        let all = Chunks::all(extent).into_iter();
        let largest = |chunks: &Chunks| chunks.largest_binding(problem.pass) as u64;
        let fitting = all.filter(|chunks| largest(chunks) <= capabilities.max_storage_binding);
        let with = fitting.map(|chunks| Self { tiling, filtering, chunks });
        let timed = with.map(|winograd| (winograd.estimate(problem, capabilities), winograd));
        timed.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, best)| best)
    }

    pub fn name(self) -> String {
        format!("winograd_{}", self.tiling.name())
    }

    /// The rows and the quads of columns of a product that a workgroup owns.
    fn tile(self) -> [usize; 2] {
        match self.tiling {
            Tiling::Subgroup(tile) => [32, tile.lanes],
            Tiling::Tiled(tile) => tile.size(),
        }
    }

    /// How many workgroups the product at one point has, of `rows` by `columns` quads.
    fn workgroups(self, rows: usize, columns: usize) -> usize {
        let [height, width] = self.tile();
        rows.div_ceil(height) * columns.div_ceil(width)
    }
}

/// How many tiles a sample has along height and width.
fn tiles(problem: &Problem, filtering: Filtering) -> [usize; 2] {
    let [_, output] = sides(problem);
    output.map(|length| length.div_ceil(filtering.outputs))
}

/// Heights and widths of the images that a pass goes from and to; the gradient to the weight is of the forward pass.
fn sides(problem: &Problem) -> [[usize; 2]; 2] {
    let Geometry { input, output, .. } = problem.convolution.geometry;
    match problem.way() {
        Direction::Forward => [input, output],
        Direction::Transposed => [output, input],
    }
}

/// The quads of channels of these images.
fn channels(problem: &Problem) -> [usize; 2] {
    let way = problem.way();
    [way, way.turned()].map(|way| quads(problem.convolution.image(way).channels))
}
