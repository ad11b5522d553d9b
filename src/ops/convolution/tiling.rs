//! How the matrix product of a convolution is cut into tiles.

use super::super::program::{Dispatch, Kernel};
use super::tile::{Sizes, Tile};
use crate::gpu::Capabilities;

/// How a product is tiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tiling {
    /// Register tiles shared through a subgroup of this many lanes.
    Subgroup(usize),
    /// A tile in workgroup memory.
    Tiled(Tile),
}

impl Tiling {
    /// All that are worth a trial for a product on a device. A processor that stands in for a GPU needs no choice among
    /// tiles.
    pub fn all(sizes: Sizes, capabilities: &Capabilities) -> Vec<Self> {
        let subgroup = capabilities.subgroup_size.filter(|lanes| *lanes >= 8);
        let tiles =
            if capabilities.software { vec![Tile::best(sizes, capabilities)] } else { Tile::ALL.to_vec() };
        let subgroup = subgroup.map(|lanes| Self::Subgroup(lanes as usize));
        subgroup.into_iter().chain(tiles.into_iter().map(Self::Tiled)).collect()
    }

    pub fn name(self) -> String {
        match self {
            Self::Subgroup(_) => "subgroup".into(),
            Self::Tiled(tile) => tile.name(),
        }
    }

    /// About how long a product takes, in multiply-adds of a device that does nothing else. A processor that stands in
    /// for a GPU emulates barriers and workgroup memory dearly, while a broadcast costs it nothing; a GPU is the other
    /// way round.
    pub fn estimate(self, sizes: Sizes, capabilities: &Capabilities) -> f64 {
        let products = sizes.rows as f64 * sizes.columns as f64 * sizes.terms as f64;
        match (self, capabilities.software) {
            (Self::Subgroup(_), true) => products / 0.75,
            (Self::Subgroup(_), false) => products / 0.3,
            (Self::Tiled(_), true) => products / 0.05,
            (Self::Tiled(tile), false) => tile.estimate(sizes, capabilities),
        }
    }

    /// A dispatch of the one of two kernels that is tiled like this.
    pub fn dispatch(
        self,
        capabilities: &Capabilities,
        layer: &str,
        subgroup: Kernel,
        tiled: Kernel,
    ) -> Dispatch {
        match self {
            Self::Subgroup(lanes) => Dispatch::new(layer, subgroup).size("LANES", lanes),
            Self::Tiled(tile) => tile.constants(Dispatch::new(layer, tiled), capabilities),
        }
    }

    /// How many workgroups a product of `rows` by `columns` quads has.
    pub fn tiles(self, rows: usize, columns: usize) -> usize {
        match self {
            Self::Subgroup(lanes) => rows.div_ceil(16) * columns.div_ceil(lanes),
            Self::Tiled(tile) => tile.workgroups(rows, 4 * columns),
        }
    }

    /// How many workgroups a gradient to a weight of `row_quads` by `columns` quads has.
    pub fn weight_tiles(self, row_quads: usize, columns: usize) -> usize {
        match self {
            Self::Subgroup(lanes) => row_quads.div_ceil(4) * columns.div_ceil(lanes),
            Self::Tiled(tile) => tile.workgroups(4 * row_quads, 4 * columns),
        }
    }

    /// How many workgroups keep a device busy.
    pub fn workgroups_wanted(self, capabilities: &Capabilities) -> usize {
        match self {
            Self::Subgroup(_) => capabilities.workgroups_wanted(),
            Self::Tiled(tile) => tile.workgroups_wanted(capabilities),
        }
    }

    /// How many quads of the sum a pass takes in a step; a part of a sum is whole steps.
    pub fn step(self) -> usize {
        match self {
            Self::Subgroup(_) => 1,
            Self::Tiled(tile) => tile.step(),
        }
    }
}
