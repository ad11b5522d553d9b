//! Multiplication, as where a gate weighs channels or pixels.

use super::broadcast::{self, Join};
use super::program::{Activation, Dispatch, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Function, Operator, Refusal, elementwise};
use crate::shape::Shape;

/// The product of two inputs, element by element.
///
/// One may have 1 where the other has more, along any axis: it counts as if it were repeated. So `[C, 1, 1]` is a
/// factor for each channel (Hu et al. 2018, arXiv:1709.01507), `[1, H, W]` one for each pixel and `[1, 1, 1]` one
/// for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mul;

impl FromAttributes for Mul {
    const NAME: &'static str = "mul";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Operator for Mul {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        match inputs {
            [left, right] => broadcast::output_shape(*left, *right),
            _ => Err(format!("mul takes two inputs, got {}", inputs.len())),
        }
    }

    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        elementwise::cost(output)
    }

    fn fuses_activation(&self, _inputs: &[Shape]) -> bool {
        true
    }

    fn fuses_operand(&self, inputs: &[Shape]) -> bool {
        matches!(inputs, [left, right] if left == right)
    }

    fn reads_output(&self) -> bool {
        false
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let [left, right] = pass.inputs else { return vec![] };
        let (function, [left, right]) = elementwise::operands(pass.operand, [left, right]);
        let dispatch = product(pass.layer, *left, *right, pass.output, pass.activation);
        pass.program.push(dispatch.operand(function));
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let ([left, right], [grad_left, grad_right]) = (pass.inputs, pass.grad_inputs) else { return };
        for (grad_input, other) in [(grad_left, *right), (grad_right, *left)] {
            let Some(grad_input) = *grad_input else { continue };
            if grad_input.shape == pass.grad_output.shape {
                pass.program.push(product(pass.layer, pass.grad_output, other, grad_input, None));
            } else {
                broadcast::sum(pass.program, pass.layer, pass.grad_output, Some(other), grad_input);
            }
        }
    }
}

/// `output = left · right`, and a function of that if there is one.
fn product(
    layer: &str,
    left: Activation,
    right: Activation,
    output: Activation,
    activation: Option<&Function>,
) -> Dispatch {
    if left.shape == right.shape {
        elementwise::over_quads(layer, kernel!("mul/forward"), output.total_quads())
            .channels(output.shape.channels)
            .constant("SAME", left.tensor == right.tensor)
            .activation(activation)
            .read(left.tensor)
            .read(right.tensor)
            .write(output.tensor)
            .flops(elementwise::elements(output))
    } else {
        broadcast::forward(layer, Join::Product, left, right, output, activation)
    }
}
