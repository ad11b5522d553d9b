//! Flatten: an image's elements as one vector of features, in NCHW order. A reshape of its own name.

use super::program::TensorId;
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, reshape, single_input};
use crate::shape::Shape;

/// Flatten: `[C, H, W]` becomes `C · H · W` features; feature `(c · H + y) · W + x` is channel c at (y, x).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flatten;

impl FromAttributes for Flatten {
    const NAME: &'static str = "flatten";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Operator for Flatten {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        Ok(Shape::features(single_input(inputs)?.len()))
    }

    fn is_global(&self) -> bool {
        true
    }

    fn is_identity(&self, inputs: &[Shape], _training: bool) -> bool {
        inputs[0].pixels() == 1
    }

    fn cost(&self, _inputs: &[Shape], _output: Shape) -> Cost {
        Cost::default()
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        reshape::forward(pass)
    }

    fn backward(&self, pass: Backward<'_>) {
        reshape::backward(pass);
    }
}
