//! How kernels cut a product into workgroups.

use super::super::machine::Machine;
use crate::gpu::Capabilities;

/// How a kernel cuts a product into workgroups: what an estimate of its time rests on.
pub(super) trait Cut: Copy {
    /// The rows and the quads of columns of a result that a workgroup owns.
    fn tile(self) -> [usize; 2];

    /// The invocations of a workgroup.
    fn invocations(self) -> usize;

    /// Which part of a device's multiply-adds it reaches, about.
    fn efficiency(self, machine: &Machine) -> f64;

    /// How many workgroups to split the sums of so many tiles for, to keep a device busy.
    fn workgroups_wanted(self, tiles: usize, capabilities: &Capabilities) -> usize;

    /// How many workgroups a product of `rows` by `columns` quads has.
    fn tiles(self, rows: usize, columns: usize) -> usize {
        let [height, width] = self.tile();
        rows.div_ceil(height) * columns.div_ceil(width)
    }
}

/// How many workgroups of so many invocations to split so many tiles for, if more parts than run at a time would only be
/// joined for nothing.
pub(super) fn parts_at_once(tiles: usize, invocations: usize, capabilities: &Capabilities) -> usize {
    let wanted = capabilities.workgroups_wanted() * 64 / invocations;
    wanted - wanted % tiles.clamp(1, wanted)
}
