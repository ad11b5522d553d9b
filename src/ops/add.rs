//! Addition of values of one shape, as at the end of a residual block.

use super::program::{Dispatch, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise};
use crate::shape::Shape;

/// The sum of two or more inputs of one shape.
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
        let [first, others @ ..] = inputs else {
            return Err("add takes two inputs or more, got none".into());
        };
        if others.is_empty() {
            return Err("add takes two inputs or more, got one".into());
        }
        match others.iter().find(|other| *other != first) {
            Some(other) => {
                Err(format!("the inputs are of shapes {first} and {other}; they must be of one shape"))
            }
            None => Ok(*first),
        }
    }

    fn passes_gradient(&self) -> bool {
        true
    }

    fn cost(&self, inputs: &[Shape], output: Shape) -> Cost {
        Cost { flops: ((inputs.len() - 1) * output.len()) as u64 }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let (output, quads) = (pass.output.tensor, pass.output.total_quads());
        let [a, b] = [pass.inputs[0].tensor, pass.inputs[1].tensor];
        pass.program.push(sum(pass.layer, a, b, output, quads));
        for input in &pass.inputs[2..] {
            pass.program.push(accumulate(pass.layer, output, input.tensor, quads));
        }
        vec![]
    }

    /// Nothing: the gradients are aliases, see [`passes_gradient`](Operator::passes_gradient).
    fn backward(&self, _pass: Backward<'_>) {}
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
        .read(a)
        .read(b)
        .write(output)
        .flops(4 * quads as u64)
}
