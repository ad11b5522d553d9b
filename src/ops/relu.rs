//! ReLU: max(x, 0).

use super::program::{TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise, single_input};
use crate::shape::Shape;

/// ReLU: max(x, 0).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Relu;

impl FromAttributes for Relu {
    const NAME: &'static str = "relu";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Operator for Relu {
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
        let dispatch = elementwise::forward(&pass, kernel!("relu/forward"));
        pass.program.push(dispatch);
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        if let Some(dispatch) = elementwise::backward(&pass, kernel!("relu/backward_input")) {
            pass.program.push(dispatch);
        }
    }
}
