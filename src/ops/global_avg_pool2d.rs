//! Global average pooling.

use super::adaptive::Windows;
use super::program::{TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, adaptive, adaptive_avg_pool2d, elementwise};
use crate::shape::Shape;

/// The mean of each channel over all pixels of its image (Lin et al. 2013, arXiv:1312.4400).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GlobalAvgPool2d;

impl FromAttributes for GlobalAvgPool2d {
    const NAME: &'static str = "global_avg_pool2d";

    fn from_attributes(_attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Operator for GlobalAvgPool2d {
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

    fn cost(&self, inputs: &[Shape], _output: Shape) -> Cost {
        adaptive::cost(Windows::global(inputs))
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let [input] = pass.inputs else { return vec![] };
        let Ok(windows) = Windows::global(&[input.shape]) else { return vec![] };
        adaptive_avg_pool2d::forward(&windows, input.tensor, pass)
    }

    fn backward(&self, pass: Backward<'_>) {
        let [Some(grad_input)] = pass.grad_inputs else { return };
        let kernel = kernel!("global_avg_pool2d/backward_input");
        pass.program.push(
            elementwise::over_quads(pass.layer, kernel, grad_input.total_quads())
                .size("PIXELS", grad_input.shape.pixels())
                .size("Q", grad_input.quads())
                .read(pass.grad_output.tensor)
                .write(grad_input.tensor)
                .flops(elementwise::elements(*grad_input)),
        );
    }
}
