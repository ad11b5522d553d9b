//! Global max pooling.

use super::adaptive::Windows;
use super::program::{TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, adaptive, adaptive_max_pool2d, elementwise, pool};
use crate::shape::Shape;

/// The largest element of each channel of each image.
///
/// The gradient goes to the first of equal maxima in row-major order. A NaN in an image is its maximum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GlobalMaxPool2d;

impl FromAttributes for GlobalMaxPool2d {
    const NAME: &'static str = "global_max_pool2d";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Operator for GlobalMaxPool2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        Ok(Windows::global(inputs)?.output_shape())
    }

    fn is_global(&self) -> bool {
        true
    }

    fn is_identity(&self, inputs: &[Shape], _training: bool) -> bool {
        Windows::global(inputs).is_ok_and(|windows| windows.is_identity())
    }

    fn picks(&self) -> bool {
        true
    }

    fn cost(&self, inputs: &[Shape], _output: Shape) -> Cost {
        adaptive::cost(Windows::global(inputs))
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let [input] = pass.inputs else { return vec![] };
        let Ok(windows) = Windows::global(&[input.shape]) else { return vec![] };
        adaptive_max_pool2d::forward(&windows, input.tensor, pass)
    }

    fn backward(&self, pass: Backward<'_>) {
        let ([Some(grad_input)], [taps]) = (pass.grad_inputs, pass.saved) else { return };
        let kernel = kernel!("global_max_pool2d/backward_input");
        pass.program.push(
            elementwise::over_quads(pass.layer, kernel, grad_input.total_quads())
                .size("PIXELS", grad_input.shape.pixels())
                .size("Q", grad_input.quads())
                .size("TAP_WORDS", pool::tap_words(grad_input.shape.pixels()))
                .read(*taps)
                .read(pass.grad_output.tensor)
                .write(grad_input.tensor)
                .flops(elementwise::elements(*grad_input)),
        );
    }
}
