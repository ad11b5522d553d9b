//! Addition, as at the end of a residual block.

use super::broadcast::{self, Join};
use super::program::{Dispatch, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise};
use crate::shape::Shape;

/// The sum of two inputs, or of more of one shape.
///
/// Of two inputs one may have 1 where the other has more, along any axis: it counts as if it were repeated. So
/// `[C, 1, 1]` is a number for each channel, `[1, H, W]` one for each pixel and `[1, 1, 1]` one for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Add;

impl FromAttributes for Add {
    const NAME: &'static str = "add";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Operator for Add {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        match inputs {
            [] => Err("add takes two inputs or more, got none".into()),
            [_] => Err("add takes two inputs or more, got one".into()),
            [left, right] => broadcast::output_shape(*left, *right),
            [first, others @ ..] => match others.iter().find(|other| *other != first) {
                Some(other) => Err(format!(
                    "the inputs are of shapes {first} and {other}; they must be of one shape where there are more \
                     than two"
                )),
                None => Ok(*first),
            },
        }
    }

    fn passes_gradient(&self, inputs: &[Shape], input: usize) -> bool {
        self.output_shape(inputs).is_ok_and(|output| output == inputs[input])
    }

    fn cost(&self, inputs: &[Shape], output: Shape) -> Cost {
        Cost { flops: ((inputs.len() - 1) * output.len()) as u64 }
    }

    fn fuses_activation(&self, inputs: &[Shape]) -> bool {
        inputs.len() == 2
    }

    fn fuses_operand(&self, inputs: &[Shape]) -> bool {
        matches!(inputs, [left, right] if left == right)
    }

    fn reads_output(&self) -> bool {
        false
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let output = pass.output;
        let [left, right, others @ ..] = pass.inputs else { return vec![] };
        let (function, [left, right]) = elementwise::operands(pass.operand, [left, right]);
        pass.program.push(if left.shape == right.shape {
            sum(pass.layer, left.tensor, right.tensor, output.tensor, output.total_quads())
                .channels(output.shape.channels)
                .operand(function)
                .activation(pass.activation)
        } else {
            broadcast::forward(pass.layer, Join::Sum, *left, *right, output, pass.activation)
        });
        for input in others {
            pass.program.push(accumulate(pass.layer, output.tensor, input.tensor, output.total_quads()));
        }
        vec![]
    }

    /// The gradients to inputs that were repeated; the others are aliases, see
    /// [`passes_gradient`](Operator::passes_gradient).
    fn backward(&self, pass: Backward<'_>) {
        for grad_input in pass.grad_inputs.iter().flatten() {
            broadcast::sum(pass.program, pass.layer, pass.grad_output, None, *grad_input);
        }
    }
}

/// `into += from` over `quads` vec4.
pub(crate) fn accumulate(layer: &str, into: TensorId, from: TensorId, quads: usize) -> Dispatch {
    elementwise::over_quads(layer, kernel!("add/accumulate"), quads)
        .update(into)
        .read(from)
        .flops(4 * quads as u64)
}

/// `output = a + b` over `quads` vec4.
pub(crate) fn sum(layer: &str, a: TensorId, b: TensorId, output: TensorId, quads: usize) -> Dispatch {
    elementwise::over_quads(layer, kernel!("add/forward"), quads)
        .constant("SAME", a == b)
        .read(a)
        .read(b)
        .write(output)
        .flops(4 * quads as u64)
}
