//! How the matrix product of a convolution is cut into tiles.

use super::super::program::{Dispatch, Kernel};
use crate::gpu::Capabilities;

/// How a product is tiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tiling {
    /// Register tiles shared through a subgroup of this many lanes.
    Subgroup(usize),
    /// Tiles in workgroup memory.
    Tiled,
}

impl Tiling {
    /// All that a device can run.
    pub fn all(capabilities: &Capabilities) -> Vec<Self> {
        let subgroup = capabilities.subgroup_size.filter(|lanes| *lanes >= 8);
        subgroup.map(|lanes| Self::Subgroup(lanes as usize)).into_iter().chain([Self::Tiled]).collect()
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Subgroup(_) => "subgroup",
            Self::Tiled => "tiled",
        }
    }

    /// Which part of a device's multiply-adds it reaches, about. A processor that stands in for a GPU emulates barriers
    /// and workgroup memory dearly, while a broadcast costs it nothing; a GPU is the other way round.
    pub fn efficiency(self, capabilities: &Capabilities) -> f64 {
        match (self, capabilities.software) {
            (Self::Subgroup(_), true) => 0.75,
            (Self::Subgroup(_), false) => 0.3,
            (Self::Tiled, true) => 0.05,
            (Self::Tiled, false) => 0.6,
        }
    }

    /// A dispatch of the one of two kernels that is tiled like this.
    pub fn dispatch(self, layer: &str, subgroup: Kernel, tiled: Kernel) -> Dispatch {
        match self {
            Self::Subgroup(lanes) => Dispatch::new(layer, subgroup).size("LANES", lanes),
            Self::Tiled => Dispatch::new(layer, tiled),
        }
    }

    /// How many workgroups a product of `rows` by `columns` quads has.
    pub fn tiles(self, rows: usize, columns: usize) -> usize {
        match self {
            Self::Subgroup(lanes) => rows.div_ceil(16) * columns.div_ceil(lanes),
            Self::Tiled => rows.div_ceil(64) * columns.div_ceil(16),
        }
    }

    /// How many workgroups a gradient to a weight of `row_quads` by `columns` quads has.
    pub fn weight_tiles(self, row_quads: usize, columns: usize) -> usize {
        match self {
            Self::Subgroup(lanes) => row_quads.div_ceil(4) * columns.div_ceil(lanes),
            Self::Tiled => row_quads.div_ceil(16) * columns.div_ceil(16),
        }
    }

    /// How many workgroups the product at one of Winograd's points has, of `rows` tiles by `columns` quads.
    pub fn winograd_tiles(self, rows: usize, columns: usize) -> usize {
        match self {
            Self::Subgroup(lanes) => rows.div_ceil(32) * columns.div_ceil(lanes),
            Self::Tiled => rows.div_ceil(64) * columns.div_ceil(16),
        }
    }

    /// How many workgroups the gradient to a weight has there, of `row_quads` by `columns` quads.
    pub fn winograd_weight_tiles(self, row_quads: usize, columns: usize) -> usize {
        match self {
            Self::Subgroup(lanes) => row_quads.div_ceil(8) * columns.div_ceil(lanes),
            Self::Tiled => row_quads.div_ceil(16) * columns.div_ceil(16),
        }
    }
}
