//! How the matrix product of a convolution is cut into tiles.

use super::super::machine::Machine;
use super::super::program::{Dispatch, kernel};
use super::cut::{Cut, parts_at_once};
use super::problem::{Pass, Problem};
use super::slide::Slide;
use super::subgroup::Subgroup;
use super::tile::{self, Tile};
use crate::gpu::Capabilities;
use crate::shape::Shape;

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

    /// A dispatch of its kernel for a gradient to the weight.
    pub fn backward_weight(self, layer: &str) -> Dispatch {
        match self {
            Self::Subgroup(tile) => {
                Dispatch::new(layer, kernel!("conv2d/backward_weight_subgroup")).size("LANES", tile.lanes)
            }
            Self::Tiled(tile) => tile.backward_weight(layer),
        }
    }

    /// Tells a dispatch of its kernels the window and the images: [`Slide::words`] or [`Slide::images`].
    pub fn images(self, dispatch: Dispatch, slide: &Slide, input: Shape, output: Shape) -> Dispatch {
        match self {
            Self::Subgroup(_) => slide.words(dispatch, input, output).constant("FLAT", output.pixels() == 1),
            Self::Tiled(_) => tile::images(dispatch, slide, input, output),
        }
    }

    /// Whether its kernel for a gradient to the input turns the layer's weight round as it reads it.
    pub fn turns_weight(self, problem: &Problem) -> bool {
        let channels = problem.convolution.image(problem.way()).channels;
        matches!(self, Self::Subgroup(_)) && problem.pass == Pass::BackwardInput && channels >= 4
    }

    /// A dispatch of its kernel for a forward pass or a gradient to the input, over the sum of so many taps of so many
    /// channels. If it can turn the weight round, it is told whether to.
    pub fn pass(self, layer: &str, turned: bool, channels: usize, taps: usize) -> Dispatch {
        match self {
            Self::Subgroup(tile) => Dispatch::new(layer, kernel!("conv2d/forward_subgroup"))
                .size("LANES", tile.lanes)
                .size("ROWS", tile.rows)
                .size("TURNED", turned.into())
                .wide(),
            Self::Tiled(tile) => tile.pass(layer, channels, taps),
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

impl Cut for Tiling {
    fn tile(self) -> [usize; 2] {
        match self {
            Self::Subgroup(subgroup) => [subgroup.rows, subgroup.lanes],
            Self::Tiled(tile) => tile.size(),
        }
    }

    fn invocations(self) -> usize {
        match self {
            Self::Subgroup(subgroup) => subgroup.lanes,
            Self::Tiled(tile) => tile.invocations(),
        }
    }

    /// A processor that stands in for a GPU emulates barriers and workgroup memory dearly, while a broadcast costs it
    /// nothing; a GPU is the other way round.
    fn efficiency(self, machine: &Machine) -> f64 {
        match (self, machine.software) {
            (Self::Subgroup(_), true) => 0.75,
            (Self::Subgroup(_), false) => 0.3,
            (Self::Tiled(_), true) => 0.05,
            (Self::Tiled(tile), false) => tile.efficiency(),
        }
    }

    fn workgroups_wanted(self, tiles: usize, capabilities: &Capabilities) -> usize {
        match self {
            Self::Subgroup(_) => capabilities.workgroups_wanted(),
            Self::Tiled(tile) => parts_at_once(tiles, tile.invocations(), capabilities),
        }
    }
}
