//! The sizes of a pass as a matrix product, and what its candidates are estimated by.

use super::super::machine::{Machine, Work};
use super::super::program::{padded_inputs, quads};
use super::super::reduce::splits;
use super::Direction;
use super::cut::Cut;
use super::problem::{Pass, Problem};
use crate::gpu::Capabilities;

/// A pass through a convolution as the product of two matrices, over the sum of `terms` terms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sizes {
    /// The rows of the result: pixels, or the input channels of all taps. A pass with zeros between its input's pixels
    /// is a product for each of their `phases`; these are the rows of one.
    pub rows: usize,
    /// The columns of the result in quads: output channels.
    pub columns: usize,
    /// The terms of the sum that makes an element, with the padding of channels: in a phase, on average.
    pub terms: f64,
    pub phases: usize,
    /// The bytes of both operands and of the result, each counted once.
    pub bytes: f64,
    /// The bytes of the result, stored as a part of a sum is.
    pub part: f64,
}

impl Sizes {
    pub fn of(problem: &Problem) -> Self {
        let Problem { convolution, direction, pass, batch, storage } = *problem;
        let weight = convolution.weight(direction);
        let [from, to] = [direction, direction.turned()].map(|end| convolution.image(end));
        let pixel_quads =
            |image: crate::shape::Shape| (batch * image.height * image.width * quads(image.channels)) as f64;
        let images = [from, to].map(|image| pixel_quads(image) * storage.quad_bytes() as f64);
        let bytes = images.iter().sum::<f64>() + 16.0 * weight.quads() as f64;
        if pass == Pass::BackwardWeight {
            // The pixels of the positions, for each of which a tap has a product.
            let positions = convolution.image(Direction::Transposed);
            let terms = (batch * positions.height * positions.width) as f64;
            let (rows, columns) = (weight.rows(), quads(weight.outputs));
            return Self { rows, columns, terms, phases: 1, bytes, part: (rows * columns * 16) as f64 };
        }
        let (input, output) = if pass == Pass::Forward { (from, to) } else { (to, from) };
        let up = if problem.way() == Direction::Forward { [1; 2] } else { convolution.geometry.stride };
        let phases = up[0] * up[1];
        let rows = batch * output.height.div_ceil(up[0]) * output.width.div_ceil(up[1]);
        let channels = padded_inputs(input.channels / convolution.groups);
        let terms = (channels * convolution.geometry.taps()) as f64 / phases as f64;
        Self { rows, columns: quads(output.channels), terms, phases, bytes, part: 16.0 * pixel_quads(output) }
    }

    /// About how long it takes, cut into workgroups like this.
    pub fn time(&self, cut: impl Cut, machine: &Machine, capabilities: &Capabilities) -> f64 {
        let [height, width] = cut.tile();
        let tiles = cut.tiles(self.rows, self.columns) * self.phases;
        let wanted = cut.workgroups_wanted(tiles, capabilities);
        let parts = splits(self.terms as usize, 256, tiles, wanted);
        let products = self.terms * (tiles * height * width * 4) as f64;
        let joined = if parts > 1 { self.part * parts as f64 } else { 0.0 };
        let product = machine.time(Work {
            products,
            bytes: self.bytes + joined,
            workgroups: tiles * parts,
            invocations: cut.invocations(),
            efficiency: cut.efficiency(machine),
        });
        product + if parts > 1 { machine.moving(joined + self.part) } else { 0.0 }
    }
}
