//! How the matrix product of a convolution is cut into tiles.

use super::super::machine::Machine;
use super::super::program::{Dispatch, Kernel};
use super::problem::{Pass, Problem};
use super::subgroup::Subgroup;
use super::tile::Tile;
use crate::gpu::Capabilities;

/// How a product is tiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tiling {
    /// Register tiles shared through a subgroup.
    Subgroup(Subgroup),
    /// A tile in workgroup memory.
    Tiled(Tile),
}

impl Tiling {
    /// All that a device can run.
    pub fn all(problem: &Problem, capabilities: &Capabilities) -> Vec<Self> {
        Self::with(Subgroup::of(problem, capabilities), capabilities)
    }

    /// A subgroup's tile, if there is one, and all tiles in workgroup memory.
    pub fn with(subgroup: Option<Subgroup>, capabilities: &Capabilities) -> Vec<Self> {
        let tiles = Tile::all(capabilities).into_iter().map(Self::Tiled);
        subgroup.map(Self::Subgroup).into_iter().chain(tiles).collect()
    }

    pub fn name(self) -> String {
        match self {
            Self::Subgroup(_) => "subgroup".into(),
            Self::Tiled(tile) => tile.name(),
        }
    }

    /// Which part of a device's multiply-adds it reaches, about. A processor that stands in for a GPU emulates barriers
    /// and workgroup memory dearly, while a broadcast costs it nothing; a GPU is the other way round.
    pub fn efficiency(self, machine: &Machine) -> f64 {
        match (self, machine.software) {
            (Self::Subgroup(_), true) => 0.75,
            (Self::Subgroup(_), false) => 0.3,
            (Self::Tiled(_), true) => 0.05,
            (Self::Tiled(tile), false) => tile.efficiency(),
        }
    }

    /// A dispatch of the one of two kernels that is tiled like this.
    pub fn dispatch(self, layer: &str, subgroup: Kernel, tiled: Kernel) -> Dispatch {
        match self {
            Self::Subgroup(tile) => Dispatch::new(layer, subgroup).size("LANES", tile.lanes),
            Self::Tiled(tile) => tile.constants(Dispatch::new(layer, tiled)),
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
            Self::Tiled(_) => dispatch,
        }
    }

    /// The rows and the quads of columns of a result that a workgroup owns.
    pub fn tile(self) -> [usize; 2] {
        match self {
            Self::Subgroup(subgroup) => [subgroup.rows, subgroup.lanes],
            Self::Tiled(tile) => tile.size(),
        }
    }

    /// The invocations of a workgroup.
    pub fn invocations(self) -> usize {
        match self {
            Self::Subgroup(subgroup) => subgroup.lanes,
            Self::Tiled(tile) => tile.invocations(),
        }
    }

    /// How many workgroups a product of `rows` by `columns` quads has.
    pub fn tiles(self, rows: usize, columns: usize) -> usize {
        let [height, width] = self.tile();
        rows.div_ceil(height) * columns.div_ceil(width)
    }

    /// How many workgroups to split the sums of so many tiles for, to keep a device busy. More parts than run at a time
    /// would only be joined for nothing.
    pub fn workgroups_wanted(self, tiles: usize, capabilities: &Capabilities) -> usize {
        match self {
            Self::Subgroup(_) => capabilities.workgroups_wanted(),
            Self::Tiled(tile) => {
                let wanted = capabilities.workgroups_wanted() * 64 / tile.invocations();
                wanted - wanted % tiles.clamp(1, wanted)
            }
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
