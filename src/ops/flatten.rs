//! Flatten: an image's elements as one vector of features, in NCHW order.
//!
//! Its two kernels are also what takes a host's images into a network and its output back out.

use super::program::{Activation, Dispatch, Kernel, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise, single_input};
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
        let row = pass.output.quads() * 4;
        let dispatch = nhwc_to_nchw(pass.layer, pass.inputs[0], pass.output.tensor, row);
        pass.program.push(dispatch);
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        if let Some(grad_input) = pass.grad_inputs[0] {
            let row = pass.grad_output.quads() * 4;
            let dispatch = nchw_to_nhwc(pass.layer, pass.grad_output.tensor, row, grad_input);
            pass.program.push(dispatch);
        }
    }
}

/// Writes `from` to `to` in NCHW order, `row` floats a sample: those past the sample's elements are zero.
/// A host tensor has rows of `shape.len()`.
pub(crate) fn nhwc_to_nchw(layer: &str, from: Activation, to: TensorId, row: usize) -> Dispatch {
    convert(layer, kernel!("flatten/forward"), from, row)
        .read(from.tensor)
        .write(to)
        .invocations(from.batch * row, elementwise::WORKGROUP)
}

/// Writes `to` from NCHW order, `row` floats a sample: what [`nhwc_to_nchw`] does, undone.
pub(crate) fn nchw_to_nhwc(layer: &str, from: TensorId, row: usize, to: Activation) -> Dispatch {
    convert(layer, kernel!("flatten/backward_input"), to, row)
        .read(from)
        .write(to.tensor)
        .invocations(to.total_quads(), elementwise::WORKGROUP)
}

fn convert(layer: &str, kernel: Kernel, image: Activation, row: usize) -> Dispatch {
    Dispatch::new(layer, kernel)
        .size("CHANNELS", image.shape.channels)
        .size("PIXELS", image.shape.pixels())
        .size("ROW", row)
        .uniform(image.batch as u32)
}
