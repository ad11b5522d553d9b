//! Resampling by bilinear interpolation.

use std::ops::Range;

use super::program::{TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::resize::{self, Size};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise};
use crate::shape::{Pair, Shape};

/// An image at another height and width: an output pixel is interpolated between the four input pixels around the
/// place that it has in the input.
///
/// Along each axis that place is `(i + 1/2) · in / out − 1/2`, at least 0 (ONNX's `half_pixel`); with
/// [`align_corners`](Self::align_corners) it is `i · (in − 1) / (out − 1)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpsampleBilinear2d {
    size: Size,
    pub(crate) align_corners: bool,
}

impl UpsampleBilinear2d {
    /// To this height and width.
    pub fn size(size: impl Into<Pair>) -> Self {
        Self { size: Size::to(size), align_corners: false }
    }

    /// To so many times the input's height and width.
    pub fn scale(scale: impl Into<Pair>) -> Self {
        Self { size: Size::times(scale), align_corners: false }
    }

    /// Whether the centres of the corner pixels of input and output coincide, rather than their outer corners.
    pub fn align_corners(mut self, align_corners: bool) -> Self {
        self.align_corners = align_corners;
        self
    }

    /// The places along an axis of the output that read place `i` of the input with some weight: those whose own
    /// place in the input is less than one away.
    fn readers(&self, i: usize, input: usize, output: usize) -> Range<usize> {
        let last = (output - 1).max(1);
        let first = match i {
            0 => 0,
            _ if self.align_corners => (i - 1) * last / (input - 1) + 1,
            _ => ((2 * i - 1) * output / input).div_ceil(2),
        };
        let end = match i + 1 {
            next if next == input => output,
            next if self.align_corners => (next * last).div_ceil(input - 1),
            next => ((2 * next + 1) * output).div_ceil(input) / 2,
        };
        first..end
    }
}

impl From<usize> for UpsampleBilinear2d {
    fn from(scale: usize) -> Self {
        Self::scale(scale)
    }
}

impl From<[usize; 2]> for UpsampleBilinear2d {
    fn from(scale: [usize; 2]) -> Self {
        Self::scale(scale)
    }
}

impl FromAttributes for UpsampleBilinear2d {
    const NAME: &'static str = "upsample_bilinear2d";

    /// `size` or `scale`, of height and width; `align_corners`.
    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let align_corners = attributes.bool("align_corners", false)?;
        Ok(Self { size: Size::from_attributes(attributes)?, align_corners })
    }
}

impl Operator for UpsampleBilinear2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        self.size.output_shape(inputs)
    }

    fn is_identity(&self, inputs: &[Shape], _training: bool) -> bool {
        self.output_shape(inputs).is_ok_and(|output| output == inputs[0])
    }

    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        // Two interpolations along the width and one along the height, of two products and a sum.
        Cost { flops: 9 * output.len() as u64 }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let (input, output) = (pass.inputs[0], pass.output);
        let dispatch = resize::forward(pass.layer, kernel!("upsample_bilinear2d/forward"), input, output)
            .constant("ALIGN_CORNERS", u32::from(self.align_corners))
            .read(input.tensor)
            .write(output.tensor)
            .flops(9 * elementwise::elements(output));
        pass.program.push(dispatch);
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(grad_input) = pass.grad_inputs[0] else { return };
        resize::backward(
            pass.program,
            pass.layer,
            kernel!("upsample_bilinear2d/backward_input"),
            [pass.grad_output, grad_input],
            |i, input, output| self.readers(i, input, output),
            |dispatch| {
                // Each output pixel goes to four, with a weight.
                dispatch
                    .constant("ALIGN_CORNERS", u32::from(self.align_corners))
                    .flops(8 * elementwise::elements(pass.grad_output))
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_those_that_read() {
        for align_corners in [false, true] {
            let operator = UpsampleBilinear2d::scale(1).align_corners(align_corners);
            for (input, output) in (1..12).flat_map(|input| (1..30).map(move |output| (input, output))) {
                // The places of the output in the input are numerators over one denominator.
                let unit = if align_corners { (output - 1).max(1) } else { 2 * output };
                let numerator = |place: usize| match align_corners {
                    true => place * (input - 1),
                    false => ((2 * place + 1) * input).saturating_sub(output).min((input - 1) * unit),
                };
                for i in 0..input {
                    let reads = |place: &usize| numerator(*place).abs_diff(i * unit) < unit;
                    let wanted: Vec<usize> = (0..output).filter(reads).collect();
                    let got: Vec<usize> = operator.readers(i, input, output).collect();
                    assert_eq!(got, wanted, "{i} of {input} to {output}, {operator:?}");
                }
            }
        }
    }
}
