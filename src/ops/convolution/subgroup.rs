//! Register tiles that a subgroup shares: the kernels `*_subgroup`.

use super::problem::{Pass, Problem};
use super::sizes::Sizes;
use crate::gpu::Capabilities;

/// What a workgroup of these kernels owns; it is one subgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subgroup {
    /// Its invocations, each of which owns a quad of columns.
    pub lanes: usize,
    /// The rows of the result.
    pub rows: usize,
}

impl Subgroup {
    /// The tile for a problem, if the device has subgroups of eight invocations or more.
    pub fn of(problem: &Problem, capabilities: &Capabilities) -> Option<Self> {
        let tile = Self::of_rows(Sizes::of(problem).rows, capabilities);
        if problem.pass == Pass::BackwardWeight { tile.map(|tile| Self { rows: 32, ..tile }) } else { tile }
    }

    /// The tile for a product of so many rows.
    pub fn of_rows(rows: usize, capabilities: &Capabilities) -> Option<Self> {
        let lanes = capabilities.subgroup_size.filter(|lanes| *lanes >= 8)? as usize;
        Some(Self { lanes, rows: best(rows) })
    }
}

/// Into how many pixels at a time a pass takes `rows` pixels. In each step of the sum a workgroup loads four rows of the
/// weight, which takes as long as to multiply with about eleven pixels; a loop over more than 32 pixels would be too long
/// for the instruction caches of processors.
fn best(rows: usize) -> usize {
    let tiles = [(32, 45), (24, 36), (16, 27), (8, 19)];
    let best = tiles.into_iter().min_by_key(|(tile, step)| rows.div_ceil(*tile) * step);
    best.map_or(24, |(tile, _)| tile)
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn tiles_suit_the_number_of_pixels() {
        assert_eq!([1, 8, 16, 32, 64, 128, 25_088].map(best), [8, 8, 16, 32, 32, 32, 32]);
    }
}
