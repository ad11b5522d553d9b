//! The weights of convolutions and matrix products in device memory. No operator of its own.

use super::program::{Dispatch, Program, TensorId, kernel, quads, weight_rows};

/// The sizes of a weight that lies in device memory as [`ParameterLayout`](super::program::ParameterLayout) says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightShape {
    /// The input channels of all groups.
    pub inputs: usize,
    /// The output channels of all groups.
    pub outputs: usize,
    /// The groups of channels.
    pub groups: usize,
    /// The taps of the kernel.
    pub taps: usize,
}

impl WeightShape {
    /// The rows of its matrix, whole quads.
    pub fn rows(&self) -> usize {
        weight_rows(self.inputs / self.groups, self.taps)
    }

    /// The vec4 that it takes.
    pub fn quads(&self) -> usize {
        self.rows() * quads(self.outputs)
    }

    /// A tensor that holds such a weight.
    pub fn tensor(&self, program: &mut Program, label: String) -> TensorId {
        program.tensor(label, self.quads() * 16)
    }

    /// Appends the turned-round weight that the gradient to the input multiplies with, and returns it.
    pub fn transposed(&self, program: &mut Program, layer: &str, weight: TensorId) -> TensorId {
        let transposed = self.turned().tensor(program, format!("{layer}.weight (transposed)"));
        self.transpose(program, layer, weight, transposed);
        transposed
    }

    /// Appends the turning round of a weight: inputs and outputs exchanged, and the taps reversed.
    pub fn transpose(&self, program: &mut Program, layer: &str, weight: TensorId, into: TensorId) {
        let dispatch = Dispatch::new(layer, kernel!("common/transpose_weight"))
            .read(weight)
            .write(into)
            .uniform_sizes(&[self.taps, self.inputs, self.outputs])
            .uniform_sizes(&[self.inputs / self.groups, self.outputs / self.groups])
            .invocations(self.turned().quads(), 64);
        program.push(dispatch);
    }

    fn turned(&self) -> Self {
        Self { inputs: self.outputs, outputs: self.inputs, ..*self }
    }
}
