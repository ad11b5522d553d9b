//! Resampling by the nearest pixel.

use std::ops::Range;

use super::program::{TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::resize::{self, Size};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise};
use crate::shape::{Pair, Shape};

/// An image at another height and width: output pixel i is input pixel ⌊i · in / out⌋ along each axis (PyTorch's
/// `nearest`, ONNX's `asymmetric` with `floor`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpsampleNearest2d {
    size: Size,
}

impl UpsampleNearest2d {
    /// To this height and width.
    pub fn size(size: impl Into<Pair>) -> Self {
        Self { size: Size::to(size) }
    }

    /// To so many times the input's height and width.
    pub fn scale(scale: impl Into<Pair>) -> Self {
        Self { size: Size::times(scale) }
    }
}

impl From<usize> for UpsampleNearest2d {
    fn from(scale: usize) -> Self {
        Self::scale(scale)
    }
}

impl From<[usize; 2]> for UpsampleNearest2d {
    fn from(scale: [usize; 2]) -> Self {
        Self::scale(scale)
    }
}

impl FromAttributes for UpsampleNearest2d {
    const NAME: &'static str = "upsample_nearest2d";

    /// `size` or `scale`, of height and width.
    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self { size: Size::from_attributes(attributes)? })
    }
}

impl Operator for UpsampleNearest2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        self.size.output_shape(inputs)
    }

    fn is_identity(&self, inputs: &[Shape], _training: bool) -> bool {
        self.output_shape(inputs).is_ok_and(|output| output == inputs[0])
    }

    fn cost(&self, _inputs: &[Shape], _output: Shape) -> Cost {
        Cost::default()
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let (input, output) = (pass.inputs[0], pass.output);
        let dispatch = resize::forward(pass.layer, kernel!("upsample_nearest2d/forward"), input, output)
            .read(input.tensor)
            .write(output.tensor);
        pass.program.push(dispatch);
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(grad_input) = pass.grad_inputs[0] else { return };
        resize::backward(
            pass.program,
            pass.layer,
            kernel!("upsample_nearest2d/backward_input"),
            [pass.grad_output, grad_input],
            readers,
            |dispatch| dispatch.flops(elementwise::elements(pass.grad_output)),
        );
    }
}

/// The places along an axis of the output that read place `i` of the input: those with ⌊place · in / out⌋ = i.
fn readers(i: usize, input: usize, output: usize) -> Range<usize> {
    (i * output).div_ceil(input)..((i + 1) * output).div_ceil(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_those_that_read() {
        for (input, output) in (1..12).flat_map(|input| (1..30).map(move |output| (input, output))) {
            for i in 0..input {
                let wanted: Vec<usize> = (0..output).filter(|place| place * input / output == i).collect();
                assert_eq!(
                    readers(i, input, output).collect::<Vec<_>>(),
                    wanted,
                    "{i} of {input} to {output}"
                );
            }
        }
    }
}
