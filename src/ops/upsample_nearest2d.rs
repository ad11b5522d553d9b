//! Resampling by the nearest pixel.

use super::nearest::{Coordinates, NearestMode, Steps};
use super::program::{Activation, Dispatch, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::resize::{self, Size};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise};
use crate::shape::{Pair, Shape};

/// An image at another height and width, each pixel of which is one of the input's.
///
/// Along each axis output pixel i is input pixel ⌊i · in / out⌋, as in PyTorch's `nearest`, unless
/// [`coordinates`](Self::coordinates) and [`mode`](Self::mode) say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpsampleNearest2d {
    size: Size,
    coordinates: Coordinates,
    mode: NearestMode,
}

impl UpsampleNearest2d {
    /// To this height and width.
    pub fn size(size: impl Into<Pair>) -> Self {
        Self::new(Size::to(size))
    }

    /// To so many times the input's height and width.
    pub fn scale(scale: impl Into<Pair>) -> Self {
        Self::new(Size::times(scale))
    }

    fn new(size: Size) -> Self {
        Self { size, coordinates: Coordinates::default(), mode: NearestMode::default() }
    }

    /// Where an output pixel lies in the input.
    pub fn coordinates(mut self, coordinates: Coordinates) -> Self {
        self.coordinates = coordinates;
        self
    }

    /// Which of the pixels is taken that it lies between.
    pub fn mode(mut self, mode: NearestMode) -> Self {
        self.mode = mode;
        self
    }

    /// The pixels along an axis of these sizes.
    pub(crate) fn steps(&self, input: usize, output: usize) -> Steps {
        Steps::new(self.coordinates, self.mode, input, output)
    }

    /// Says which pixel is which to a kernel between images of these shapes.
    fn with_steps(&self, mut dispatch: Dispatch, input: Activation, output: Activation) -> Dispatch {
        let (input, output) = (input.shape, output.shape);
        for (names, steps) in [
            (["FACTOR_Y", "SHIFT_Y", "DIVISOR_Y"], self.steps(input.height, output.height)),
            (["FACTOR_X", "SHIFT_X", "DIVISOR_X"], self.steps(input.width, output.width)),
        ] {
            let [factor, shift, divisor] = names;
            dispatch = dispatch
                .size(factor, steps.factor)
                .constant(shift, steps.shift as f64)
                .size(divisor, steps.divisor);
        }
        dispatch
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

    /// `size` or `scale`, of height and width; `coordinate_transformation_mode` and `nearest_mode` with ONNX's
    /// values.
    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let coordinates = match attributes.string("coordinate_transformation_mode", "asymmetric")? {
            "asymmetric" => Coordinates::Asymmetric,
            "half_pixel" => Coordinates::HalfPixel,
            "tf_half_pixel_for_nn" => Coordinates::TfHalfPixelForNn,
            "align_corners" => Coordinates::AlignCorners,
            other => {
                return Err(format!(
                    "attribute coordinate_transformation_mode is {other:?}; it must be \"asymmetric\", \
                     \"half_pixel\", \"tf_half_pixel_for_nn\" or \"align_corners\""
                ));
            }
        };
        let mode = match attributes.string("nearest_mode", "floor")? {
            "floor" => NearestMode::Floor,
            "ceil" => NearestMode::Ceil,
            "round_prefer_floor" => NearestMode::RoundPreferFloor,
            "round_prefer_ceil" => NearestMode::RoundPreferCeil,
            other => {
                return Err(format!(
                    "attribute nearest_mode is {other:?}; it must be \"floor\", \"ceil\", \"round_prefer_floor\" or \
                     \"round_prefer_ceil\""
                ));
            }
        };
        Ok(Self::new(Size::from_attributes(attributes)?).coordinates(coordinates).mode(mode))
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
        // Of one size, pixels are their own nearest but for those that lie halfway to the next.
        let own = |size: usize| {
            let steps = self.steps(size, size);
            (0..size).all(|i| steps.source(i) == i)
        };
        let [input] = inputs else { return false };
        self.output_shape(inputs).is_ok_and(|output| output == *input)
            && own(input.height)
            && own(input.width)
    }

    fn cost(&self, _inputs: &[Shape], _output: Shape) -> Cost {
        Cost::default()
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let (input, output) = (pass.inputs[0], pass.output);
        let dispatch = resize::forward(pass.layer, kernel!("upsample_nearest2d/forward"), input, output)
            .read(input.tensor)
            .write(output.tensor);
        pass.program.push(self.with_steps(dispatch, input, output));
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let (input, output) = (pass.inputs[0], pass.output);
        let Some(grad_input) = pass.grad_inputs[0] else { return };
        resize::backward(
            pass.program,
            pass.layer,
            kernel!("upsample_nearest2d/backward_input"),
            [pass.grad_output, grad_input],
            |i, input, output| self.steps(input, output).readers(i),
            |dispatch| {
                let dispatch = dispatch.flops(elementwise::elements(pass.grad_output));
                self.with_steps(dispatch, input, output)
            },
        );
    }
}
