//! The tiles of the kernels that bring theirs to workgroup memory.
//!
//! Two things decide between them. A large tile multiplies more for each value that it reads; but a GPU is busy only
//! while all of its units are, and a small product has few large tiles. Where its sum is long it is split instead.

use super::super::program::{Dispatch, Kernel, kernel, quads, weight_rows};
use super::slide::Slide;
use crate::gpu::Capabilities;
use crate::shape::Shape;

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

    /// A dispatch of the kernel for a pass, over the sum of so many taps of so many channels.
    pub fn pass(self, layer: &str, channels: usize, taps: usize) -> Dispatch {
        self.dispatch(layer, kernel!("conv2d/forward_tiled"))
            .constant("RAGGED", !(weight_rows(channels, taps) / 4).is_multiple_of(self.step()))
            .constant("ONE_TAP", quads(channels).is_multiple_of(self.step()))
    }

    /// A dispatch of the kernel for a gradient to the weight.
    pub fn backward_weight(self, layer: &str) -> Dispatch {
        self.dispatch(layer, kernel!("conv2d/backward_weight_tiled"))
    }

    fn dispatch(self, layer: &str, kernel: Kernel) -> Dispatch {
        Dispatch::new(layer, kernel)
            .size("TALL", self.tall)
            .size("WIDE", self.wide)
            .size("SLICES", self.slices)
            .constant("UNROLLED", self.unrolled)
    }
}

/// Tells a dispatch of such a kernel the window and the images: [`Slide::images`].
pub(super) fn images(dispatch: Dispatch, slide: &Slide, input: Shape, output: Shape) -> Dispatch {
    let thin = if input.channels < 4 { input.channels } else { 0 };
    let padded = slide.is_padded(input, output);
    slide.images(dispatch, input, output).size("THIN", thin).constant("PADDED", padded)
}

#[cfg(test)]
mod tests {
    use super::super::problem::{Pass, Problem};
    use super::super::variant::Variant;
    use super::super::{Convolution, Direction};
    use super::*;
    use crate::ops::program::Storage;
    use crate::shape::Window;

    /// The tiles for the passes of a convolution with padding that keeps the size, on a GPU of which nothing is known:
    /// forward, gradient to the input, gradient to the weight.
    fn tiles(batch: usize, inputs: usize, outputs: usize, size: usize, kernel: usize) -> [String; 3] {
        let window =
            Window { kernel: [kernel; 2], padding: crate::shape::Padding::Same, ..Window::new(kernel) };
        let geometry = window.over([size; 2]).unwrap();
        let convolution = Convolution { geometry, groups: 1, inputs, outputs };
        [Pass::Forward, Pass::BackwardInput, Pass::BackwardWeight].map(|pass| {
            let problem = Problem::new(&convolution, Direction::Forward, pass, batch, Storage::F32);
            let capabilities = Capabilities::webgpu();
            let variants = Variant::candidates(&problem, &capabilities);
            variants.into_iter().map(|v| v.name()).find(|name| name.starts_with("tiled_")).unwrap()
        })
    }

    #[test]
    fn large_products_take_large_tiles() {
        assert_eq!(tiles(8, 64, 64, 56, 3)[..2], ["tiled_128x64"; 2]);
        assert_eq!(tiles(8, 256, 64, 56, 1)[0], "tiled_128x64");
        assert_eq!(tiles(8, 256, 256, 14, 3)[2], "tiled_128x64");
    }

    #[test]
    fn small_products_take_small_tiles() {
        // ResNet-18 at 64 x 64, its first and its last layers; LeNet's last.
        assert_eq!(tiles(8, 64, 64, 16, 3), ["tiled_32x32"; 3]);
        assert_eq!(tiles(8, 512, 512, 2, 3)[..2], ["tiled_32x32"; 2]);
        assert_eq!(tiles(64, 128, 10, 1, 1), ["tiled_32x32"; 3]);
    }

    #[test]
    fn few_columns_take_narrow_tiles() {
        assert_eq!(tiles(64, 32, 64, 14, 5)[..2], ["tiled_128x64", "tiled_128x32"]);
        assert!(tiles(16, 1, 32, 28, 5).iter().all(|name| name.ends_with("x32")));
    }

    #[test]
    fn a_larger_tile_of_the_same_kind_reaches_more() {
        let efficiencies = Tile::all(&Capabilities::webgpu()).map(Tile::efficiency);
        assert!(efficiencies.is_sorted_by(|large, small| large > small), "{efficiencies:?}");
        assert!(efficiencies.iter().all(|part| (0.4..0.8).contains(part)), "{efficiencies:?}");
    }
}
