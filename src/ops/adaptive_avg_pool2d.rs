//! Adaptive average pooling.

use super::adaptive::Windows;
use super::program::{TensorId, kernel};
use super::reduce::Parts;
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, adaptive};
use crate::shape::{Geometry, Pair, Shape};

/// The mean of each of so many rows and columns of windows, which together cover the image.
///
/// Along an axis window i of `output_size` covers `floor(i · size / output_size) .. ceil((i + 1) · size /
/// output_size)`, as in PyTorch: windows overlap where the size is not a multiple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdaptiveAvgPool2d {
    output_size: [usize; 2],
}

impl AdaptiveAvgPool2d {
    /// A pool whose output is of `output_size` (height and width).
    pub fn new(output_size: impl Into<Pair>) -> Self {
        Self { output_size: output_size.into().0 }
    }

    /// The windows on the one input.
    ///
    /// # Errors
    /// As [`Windows::over`].
    pub(crate) fn windows(&self, inputs: &[Shape]) -> Result<Windows, Refusal> {
        Windows::over(self.output_size, inputs)
    }
}

impl FromAttributes for AdaptiveAvgPool2d {
    const NAME: &'static str = "adaptive_avg_pool2d";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self { output_size: adaptive::output_size(attributes)? })
    }
}

impl Operator for AdaptiveAvgPool2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        Ok(self.windows(inputs)?.output_shape())
    }

    fn geometry(&self, inputs: &[Shape]) -> Option<Geometry> {
        self.windows(inputs).ok().map(|windows| windows.geometry())
    }

    fn is_identity(&self, inputs: &[Shape], _training: bool) -> bool {
        self.windows(inputs).is_ok_and(|windows| windows.is_identity())
    }

    fn cost(&self, inputs: &[Shape], _output: Shape) -> Cost {
        adaptive::cost(self.windows(inputs))
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let [input] = pass.inputs else { return vec![] };
        let Ok(windows) = self.windows(&[input.shape]) else { return vec![] };
        forward(&windows, input.tensor, pass)
    }

    fn backward(&self, pass: Backward<'_>) {
        let [Some(grad_input)] = pass.grad_inputs else { return };
        let Ok(windows) = self.windows(&[grad_input.shape]) else { return };
        pass.program.push(
            windows
                .gather(pass.layer, kernel!("adaptive_avg_pool2d/backward_input"), *grad_input)
                .read(pass.grad_output.tensor)
                .write(grad_input.tensor),
        );
    }
}

/// Appends the dispatches of the mean of each window; nothing is kept for the backward pass.
pub(super) fn forward(windows: &Windows, input: TensorId, pass: Forward<'_>) -> Vec<TensorId> {
    let (program, layer, output) = (pass.program, pass.layer, pass.output);
    let parts = windows.parts(output);
    let sums = Parts::of_activation(program, layer, output, parts, None);
    let dispatch = windows.reduce(layer, kernel!("adaptive_avg_pool2d/forward"), output, parts).read(input);
    program.push(sums.written_by(dispatch));
    sums.finish(program, layer);
    vec![]
}
