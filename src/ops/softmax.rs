//! Softmax along an axis: e^(x_i) / Σ e^(x_j).

use super::lines::Lines;
use super::program::{TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise};
use crate::shape::{Axis, Shape};

/// Operations an element: the maximum, a difference, an exponential, the sum, and what the sum is used for.
const OPERATIONS: u64 = 5;

/// Softmax along an axis: e^(x_i) / Σ e^(x_j).
///
/// No exponential overflows: the largest x is taken from all of them first. By default the axis is that of the
/// channels: each pixel is a row of logits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Softmax {
    pub(crate) axis: Axis,
}

impl Softmax {
    /// Along `axis`.
    pub fn new(axis: Axis) -> Self {
        Self { axis }
    }
}

impl FromAttributes for Softmax {
    const NAME: &'static str = "softmax";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self { axis: attributes.axis("axis")? })
    }
}

impl Operator for Softmax {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        Lines::along(self.axis, inputs)?;
        Ok(inputs[0])
    }

    fn is_global(&self) -> bool {
        self.axis != Axis::Channels
    }

    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        Cost { flops: OPERATIONS * elementwise::cost(output).flops }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let [input] = pass.inputs else { return vec![] };
        let Ok(lines) = Lines::along(self.axis, &[input.shape]) else { return vec![] };
        pass.program.push(
            lines
                .dispatch(pass.layer, kernel!("softmax/forward"), pass.output, OPERATIONS)
                .read(input.tensor)
                .write(pass.output.tensor),
        );
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let [Some(grad_input)] = pass.grad_inputs else { return };
        let Ok(lines) = Lines::along(self.axis, &[grad_input.shape]) else { return };
        pass.program.push(
            lines
                .dispatch(pass.layer, kernel!("softmax/backward_input"), *grad_input, OPERATIONS)
                .read(pass.output.tensor)
                .read(pass.grad_output.tensor)
                .write(grad_input.tensor),
        );
    }
}
