//! How the matrix product of a convolution is cut into tiles.

use super::super::machine::Machine;
use super::super::program::{Dispatch, Kernel};
use super::problem::{Pass, Problem};
use super::subgroup::Subgroup;
use crate::gpu::Capabilities;

/// How a product is tiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tiling {
    /// Register tiles shared through a subgroup.
    Subgroup(Subgroup),
    /// Tiles in workgroup memory.
    Tiled,
}

impl Tiling {
    /// All that a device can run.
    pub fn all(problem: &Problem, capabilities: &Capabilities) -> Vec<Self> {
        Subgroup::of(problem, capabilities).map(Self::Subgroup).into_iter().chain([Self::Tiled]).collect()
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Subgroup(_) => "subgroup",
            Self::Tiled => "tiled",
        }
    }

    /// Which part of a device's multiply-adds it reaches, about. A processor that stands in for a GPU emulates barriers
    /// and workgroup memory dearly, while a broadcast costs it nothing; a GPU is the other way round.
    pub fn efficiency(self, machine: &Machine) -> f64 {
        match (self, machine.software) {
            (Self::Subgroup(_), true) => 0.75,
            (Self::Subgroup(_), false) => 0.3,
            (Self::Tiled, true) => 0.05,
            (Self::Tiled, false) => 0.6,
        }
    }

    /// A dispatch of the one of two kernels that is tiled like this.
    pub fn dispatch(self, layer: &str, subgroup: Kernel, tiled: Kernel) -> Dispatch {
        match self {
            Self::Subgroup(tile) => Dispatch::new(layer, subgroup).size("LANES", tile.lanes),
            Self::Tiled => Dispatch::new(layer, tiled),
        }
    }

    /// Whether its kernel for a gradient to the input turns the layer's weight round as it reads it.
    pub fn turns_weight(self, problem: &Problem) -> bool {
        let channels = problem.convolution.image(problem.way()).channels;
        matches!(self, Self::Subgroup(_)) && problem.pass == Pass::BackwardInput && channels >= 4
    }

    /// A dispatch of that kernel for a forward pass or a gradient to the input. If it can turn the weight round, it is
    /// told whether to.
    pub fn pass(self, layer: &str, turned: bool, subgroup: Kernel, tiled: Kernel) -> Dispatch {
        let dispatch = self.dispatch(layer, subgroup, tiled);
        match self {
            Self::Subgroup(tile) => dispatch.size("ROWS", tile.rows).size("TURNED", turned.into()),
            Self::Tiled => dispatch,
        }
    }

    /// The rows and the quads of columns of a result that a workgroup owns.
    pub fn tile(self) -> [usize; 2] {
        match self {
            Self::Subgroup(subgroup) => [subgroup.rows, subgroup.lanes],
            Self::Tiled => [64, 16],
        }
    }

    /// The invocations of a workgroup.
    pub fn invocations(self) -> usize {
        match self {
            Self::Subgroup(subgroup) => subgroup.lanes,
            Self::Tiled => 64,
        }
    }

    /// How many workgroups a product of `rows` by `columns` quads has.
    pub fn tiles(self, rows: usize, columns: usize) -> usize {
        let [height, width] = self.tile();
        rows.div_ceil(height) * columns.div_ceil(width)
    }
}
