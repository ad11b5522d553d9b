//! Average pooling.

use super::program::{Dispatch, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::window::window_setters;
use super::{Backward, Cost, Forward, Operator, Refusal, pool};
use crate::shape::{Geometry, Pair, Shape, Window};

/// The mean of each window.
///
/// A window that reaches into the padding counts the zeros there, unless
/// [`count_include_pad`](Self::count_include_pad) is off; what a last window of ceil mode has beyond the
/// padding never counts. Every window must hold a pixel of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvgPool2d {
    pub(crate) window: Window,
    count_include_pad: bool,
}

impl AvgPool2d {
    /// A pool over windows of `kernel` (height and width), side by side.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        Self { window: pool::window(kernel), count_include_pad: true }
    }

    /// Whether the zeros of the padding count in the mean, as they do by default.
    pub fn count_include_pad(mut self, count_include_pad: bool) -> Self {
        self.count_include_pad = count_include_pad;
        self
    }

    /// The padded rows (`axis` 0) or columns (1) that count in the divisor: the first, and one past the last.
    pub(crate) fn counted(&self, geometry: &Geometry, axis: usize) -> [usize; 2] {
        let (size, before) = (geometry.input[axis], geometry.padding[axis]);
        match self.count_include_pad {
            true => [0, before + size + geometry.padding[axis + 2]],
            false => [before, before + size],
        }
    }

    /// The last words of the uniform, from which the kernels compute the divisor.
    fn divisor(&self, dispatch: Dispatch, geometry: &Geometry) -> Dispatch {
        let [top, bottom] = self.counted(geometry, 0);
        let [left, right] = self.counted(geometry, 1);
        dispatch.uniform_sizes(&[top, bottom, left, right])
    }
}

window_setters!(AvgPool2d: stride, padding, ceil_mode, strict);

impl From<usize> for AvgPool2d {
    fn from(kernel: usize) -> Self {
        Self::new(kernel)
    }
}

impl FromAttributes for AvgPool2d {
    const NAME: &'static str = "avg_pool2d";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let window = pool::undilated_window_from_attributes(attributes)?;
        Ok(Self { window, count_include_pad: attributes.bool("count_include_pad", true)? })
    }
}

impl Operator for AvgPool2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        pool::output_shape(&self.window, inputs)
    }

    fn geometry(&self, inputs: &[Shape]) -> Option<Geometry> {
        pool::geometry(&self.window, inputs).ok()
    }

    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        Cost { flops: pool::flops(&self.window, output, 1) }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let [input] = pass.inputs else { return vec![] };
        let Some(geometry) = self.geometry(&[input.shape]) else { return vec![] };
        let rows = kernel!("avg_pool2d/forward_rows");
        let dispatch =
            pool::rows(pass.program, pass.layer, rows, &geometry, pass.output).unwrap_or_else(|| {
                pool::dispatch(pass.layer, kernel!("avg_pool2d/forward"), &geometry, pass.output)
            });
        pass.program.push(
            self.divisor(dispatch, &geometry)
                .flops(self.cost(&[], pass.output.shape).flops * pass.output.batch as u64)
                .read(input.tensor)
                .write(pass.output.tensor),
        );
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let [Some(grad_input)] = pass.grad_inputs else { return };
        let Some(geometry) = self.geometry(&[grad_input.shape]) else { return };
        let blocks = kernel!("avg_pool2d/backward_input_blocks");
        let dispatch =
            pool::blocks(pass.program, pass.layer, blocks, &geometry, *grad_input).unwrap_or_else(|| {
                pool::dispatch(pass.layer, kernel!("avg_pool2d/backward_input"), &geometry, *grad_input)
            });
        pass.program.push(
            self.divisor(dispatch, &geometry)
                .flops(pool::flops(&self.window, pass.grad_output.shape, 2) * pass.grad_output.batch as u64)
                .read(pass.grad_output.tensor)
                .write(grad_input.tensor),
        );
    }
}
