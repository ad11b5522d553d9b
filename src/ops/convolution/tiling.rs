//! How the matrix product of a convolution is cut into tiles.

use super::super::program::{Dispatch, Kernel};
use super::problem::{Pass, Problem};
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

    /// Whether its kernel for a pass turns the layer's weight round as it reads it, where the pass is a gradient to the
    /// input.
    pub fn turns_weight(self, problem: &Problem) -> bool {
        let channels = problem.convolution.image(problem.way()).channels;
        matches!(self, Self::Subgroup(_)) && problem.pass == Pass::BackwardInput && channels >= 4
    }

    /// A dispatch of the one of two kernels for a pass over `rows` pixels.
    pub fn pass(self, layer: &str, problem: &Problem, rows: usize, kernels: [Kernel; 2]) -> Dispatch {
        let dispatch = self.dispatch(layer, kernels[0], kernels[1]);
        match self {
            Self::Subgroup(_) => {
                dispatch.size("ROWS", subgroup_rows(rows)).size("TURNED", self.turns_weight(problem).into())
            }
            Self::Tiled => dispatch,
        }
    }

    /// How many workgroups a product of `rows` by `columns` quads has.
    pub fn tiles(self, rows: usize, columns: usize) -> usize {
        match self {
            Self::Subgroup(lanes) => rows.div_ceil(subgroup_rows(rows)) * columns.div_ceil(lanes),
            Self::Tiled => rows.div_ceil(64) * columns.div_ceil(16),
        }
    }

    /// How many workgroups a gradient to a weight of `row_quads` by `columns` quads has.
    pub fn weight_tiles(self, row_quads: usize, columns: usize) -> usize {
        match self {
            Self::Subgroup(lanes) => row_quads.div_ceil(8) * columns.div_ceil(lanes),
            Self::Tiled => row_quads.div_ceil(16) * columns.div_ceil(16),
        }
    }
}

/// How many of `rows` pixels a workgroup of the subgroup kernel owns in a pass. In each step of the sum it loads four
/// rows of the weight, which takes as long as to multiply with about eleven pixels; with 32 pixels the loop is a little
/// too long for the instruction caches of processors.
fn subgroup_rows(rows: usize) -> usize {
    let sizes = [(24, 35), (32, 47), (16, 27), (8, 19)];
    let best = sizes.into_iter().min_by_key(|(size, cost)| rows.div_ceil(*size) * cost);
    best.map_or(24, |(size, _)| size)
}
