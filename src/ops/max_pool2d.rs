//! Max pooling.

use super::program::{TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::window::window_setters;
use super::{Backward, Cost, Forward, Operator, Refusal, pool};
use crate::shape::{Geometry, Pair, Shape, Window};

/// The largest element of each window; padding never is it.
///
/// The gradient goes to the first of equal maxima in row-major order. A NaN in a window is its maximum.
/// Every window must hold a pixel of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool2d {
    pub(crate) window: Window,
}

impl MaxPool2d {
    /// A pool over windows of `kernel` (height and width), side by side.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        Self { window: pool::window(kernel) }
    }
}

window_setters!(MaxPool2d: stride, padding, dilation, ceil_mode, strict);

impl From<usize> for MaxPool2d {
    fn from(kernel: usize) -> Self {
        Self::new(kernel)
    }
}

impl FromAttributes for MaxPool2d {
    const NAME: &'static str = "max_pool2d";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self { window: pool::window_from_attributes(attributes)? })
    }
}

impl Operator for MaxPool2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        pool::output_shape(&self.window, inputs)
    }

    fn geometry(&self, inputs: &[Shape]) -> Option<Geometry> {
        pool::geometry(&self.window, inputs).ok()
    }

    fn picks(&self) -> bool {
        true
    }

    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        Cost { flops: pool::flops(&self.window, output, 1) }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let [input] = pass.inputs else { return vec![] };
        let Some(geometry) = self.geometry(&[input.shape]) else { return vec![] };
        let rows = kernel!("max_pool2d/forward_rows");
        let mut dispatch = pool::rows(pass.program, pass.layer, rows, &geometry, pass.output)
            .unwrap_or_else(|| {
                pool::dispatch(pass.layer, kernel!("max_pool2d/forward"), &geometry, pass.output)
                    .size("DH", geometry.dilation[0])
                    .size("DW", geometry.dilation[1])
                    .size("TAP_WORDS", pool::tap_words(geometry.taps()))
                    // A strip is one window.
                    .uniform_sizes(&[1, geometry.output[1]])
            })
            .flops(self.cost(&[], pass.output.shape).flops * pass.output.batch as u64)
            .read(input.tensor)
            .write(pass.output.tensor);
        let mut saved = vec![];
        if pass.backward {
            let bytes = pass.output.total_quads() * pool::tap_words(geometry.taps()) * 4;
            let taps = pass.program.tensor(format!("{}.taps", pass.layer), bytes);
            dispatch = dispatch.section("taps", kernel!("max_pool2d/taps")).write(taps);
            saved.push(taps);
        }
        pass.program.push(dispatch);
        saved
    }

    fn backward(&self, pass: Backward<'_>) {
        let ([Some(grad_input)], [taps]) = (pass.grad_inputs, pass.saved) else { return };
        let Some(geometry) = self.geometry(&[grad_input.shape]) else { return };
        let blocks = kernel!("max_pool2d/backward_input_blocks");
        let dispatch =
            pool::blocks(pass.program, pass.layer, blocks, &geometry, *grad_input).unwrap_or_else(|| {
                pool::dispatch(pass.layer, kernel!("max_pool2d/backward_input"), &geometry, *grad_input)
                    .size("TAP_WORDS", pool::tap_words(geometry.taps()))
            });
        pass.program.push(
            dispatch
                .size("DH", geometry.dilation[0])
                .size("DW", geometry.dilation[1])
                .flops(pass.grad_output.shape.len() as u64 * pass.grad_output.batch as u64)
                .read(*taps)
                .read(pass.grad_output.tensor)
                .write(grad_input.tensor),
        );
    }
}
