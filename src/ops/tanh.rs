//! Hyperbolic tangent.

use super::program::{TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise, single_input};
use crate::shape::Shape;

/// Hyperbolic tangent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tanh;

impl FromAttributes for Tanh {
    const NAME: &'static str = "tanh";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Operator for Tanh {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        single_input(inputs)
    }

    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        elementwise::cost(output)
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let dispatch = elementwise::forward(&pass, kernel!("tanh/forward"));
        pass.program.push(dispatch);
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        if let Some(dispatch) = elementwise::backward(&pass, kernel!("tanh/backward_input")) {
            pass.program.push(dispatch);
        }
    }
}
