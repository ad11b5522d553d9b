//! The tiles of the kernels that bring theirs to workgroup memory.
//!
//! Two things decide between them. A large tile multiplies more for each value that it reads; but a GPU is busy only
//! while all of its units are, and a small product has few large tiles. Where its sum is long it is split instead.

use super::super::program::Dispatch;
use crate::gpu::Capabilities;

/// A tile: what a workgroup of the kernels `*_tiled` owns, in their units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    /// Quads of rows that an invocation owns.
    tall: usize,
    /// Quads of columns that an invocation owns.
    wide: usize,
    /// Slices of 8 x 8 invocations, one below the other.
    slices: usize,
    /// Whether a step is written out: a loop keeps GPUs from reading ahead, but a processor takes long to compile so much.
    unrolled: bool,
}

/// What a vec4 read from workgroup memory costs, in multiply-adds of a lane. That memory gives a vec4 to all lanes in
/// the time of eight multiply-adds, and half of that is hidden behind them.
const READ: f64 = 4.0;

/// The same of a byte from memory, most of which a cache has.
const BYTE: f64 = 2.0;

impl Tile {
    /// All that there are, the largest first, so that it wins where two are as good.
    pub fn all(capabilities: &Capabilities) -> [Self; 5] {
        [[2, 2, 2], [2, 2, 1], [2, 1, 2], [2, 1, 1], [1, 1, 1]].map(|[tall, wide, slices]| Self {
            tall,
            wide,
            slices,
            unrolled: !capabilities.software,
        })
    }

    /// Its name: rows by columns.
    pub fn name(self) -> String {
        let [rows, quads] = self.size();
        format!("tiled_{rows}x{}", 4 * quads)
    }

    /// The rows and the quads of columns of a result that a workgroup owns.
    pub fn size(self) -> [usize; 2] {
        [32 * self.tall * self.slices, 8 * self.wide]
    }

    /// The invocations of a workgroup.
    pub fn invocations(self) -> usize {
        64 * self.slices
    }

    /// The quads of the sum that are taken in a step.
    pub fn step(self) -> usize {
        8 / self.tall
    }

    /// The part of a GPU's multiply-adds that its inner loop reaches, about: what it reads is not hidden whole.
    pub fn efficiency(self) -> f64 {
        let products = (16 * self.tall * self.wide) as f64;
        let reads = (self.tall + self.wide) as f64 / products;
        let [rows, quads] = self.size();
        let bytes = 4.0 / rows as f64 + 1.0 / quads as f64;
        1.0 / (1.0 + READ * reads + BYTE * bytes)
    }

    /// Tells a dispatch of its kernel.
    pub fn constants(self, dispatch: Dispatch) -> Dispatch {
        dispatch
            .size("TALL", self.tall)
            .size("WIDE", self.wide)
            .size("SLICES", self.slices)
            .constant("UNROLLED", self.unrolled)
    }
}
