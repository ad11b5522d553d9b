//! Tiles in workgroup memory, and which of them suits a product of matrices on a GPU of unknown width.
//!
//! Two things decide. A large tile multiplies more for each value that it reads; but a GPU is busy only while all of its
//! units are, and a small product has few large tiles. Where a sum is long it is split instead, and joined again.

use super::super::program::Dispatch;
use super::super::reduce::splits;
use crate::gpu::Capabilities;

/// A tile: what the workgroups of the kernels `*_tiled` own, in units of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    /// Quads of rows that an invocation owns.
    tall: usize,
    /// Quads of columns that an invocation owns.
    wide: usize,
    /// Slices of 8 x 8 invocations, one below the other.
    slices: usize,
}

/// The sizes of a product of matrices: how many rows and columns there are, and how many terms each of their sums has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sizes {
    pub rows: usize,
    pub columns: usize,
    pub terms: usize,
}

/// How many slices of 64 invocations keep the arithmetic of one unit of a GPU busy: it has four times as many lanes as
/// run at once, or hides as much of the time that its memory takes.
const SLICES_A_UNIT: f64 = 4.0;

/// How many multiply-adds a unit could do while it reads one vec4 for each of its lanes from workgroup memory: half of
/// the eight at which that memory works, for the two overlap.
const WORKGROUP_READ: f64 = 4.0;

/// The same of one byte from memory, most of which the caches have.
const BYTE: f64 = 2.0;

/// The same of one byte of the parts of a split sum, written and read again.
const PART_BYTE: f64 = 4.0;

impl Tile {
    /// All that there are. The largest first, so that it wins where two are as good.
    pub const ALL: [Self; 5] = [
        Self { tall: 2, wide: 2, slices: 2 },
        Self { tall: 2, wide: 2, slices: 1 },
        Self { tall: 2, wide: 1, slices: 2 },
        Self { tall: 2, wide: 1, slices: 1 },
        Self { tall: 1, wide: 1, slices: 1 },
    ];

    /// The one that should be the fastest.
    pub fn best(sizes: Sizes, capabilities: &Capabilities) -> Self {
        let estimate = |tile: &Self| tile.estimate(sizes, capabilities);
        let better = |best: Self, tile: Self| if estimate(&tile) < estimate(&best) { tile } else { best };
        Self::ALL.into_iter().reduce(better).unwrap_or(Self::ALL[0])
    }

    /// Its name.
    pub fn name(self) -> String {
        format!("tiled_{}x{}", self.rows(), self.columns())
    }

    /// The rows of the product that it owns.
    pub fn rows(self) -> usize {
        32 * self.tall * self.slices
    }

    /// The columns of the product that it owns.
    pub fn columns(self) -> usize {
        32 * self.wide
    }

    /// The quads of the sum that it takes in a step.
    pub fn step(self) -> usize {
        8 / self.tall
    }

    /// How many workgroups a product of so many rows and columns has.
    pub fn workgroups(self, rows: usize, columns: usize) -> usize {
        rows.div_ceil(self.rows()) * columns.div_ceil(self.columns())
    }

    /// How many workgroups keep a device busy.
    pub fn workgroups_wanted(self, capabilities: &Capabilities) -> usize {
        capabilities.workgroups_wanted() / self.slices
    }

    /// Tells a dispatch of its kernel.
    pub fn constants(self, dispatch: Dispatch, capabilities: &Capabilities) -> Dispatch {
        dispatch
            .size("TALL", self.tall)
            .size("WIDE", self.wide)
            .size("SLICES", self.slices)
            .constant("UNROLLED", !capabilities.software)
    }

    /// About how long a product takes, in multiply-adds of a device that does nothing else.
    pub fn estimate(self, sizes: Sizes, capabilities: &Capabilities) -> f64 {
        let tiles = self.workgroups(sizes.rows, sizes.columns);
        let parts = splits(sizes.terms, 256, tiles, self.workgroups_wanted(capabilities));
        let steps = sizes.terms.div_ceil(parts).div_ceil(4 * self.step());
        let workgroup = (self.rows() * self.columns() * steps * 4 * self.step()) as f64;
        // The units of the device: `workgroups_wanted` gives each as many slices as it wants. The last round of
        // workgroups takes as long as any, and one alone cannot fill its unit.
        let units = (capabilities.workgroups_wanted() as f64 / SLICES_A_UNIT).max(1.0);
        let rounds = ((tiles * parts) as f64 / units).ceil().max(SLICES_A_UNIT / self.slices as f64);
        let joining = if parts > 1 { PART_BYTE * (8 * parts * sizes.rows * sizes.columns) as f64 } else { 0.0 };
        rounds * units * workgroup / self.efficiency() + joining
    }

    /// Which part of a unit's multiply-adds it reaches while it is busy.
    fn efficiency(self) -> f64 {
        let own = (16 * self.tall * self.wide) as f64;
        let reads = (self.tall + self.wide) as f64 / own;
        let bytes = 4.0 * (1.0 / self.rows() as f64 + 1.0 / self.columns() as f64);
        1.0 / (1.0 + WORKGROUP_READ * reads + BYTE * bytes)
    }
}
