//! Lp pooling.

use super::program::{TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::window::window_setters;
use super::{Backward, Cost, Forward, Operator, Refusal, pool};
use crate::shape::{Geometry, Pair, Shape, Window};

/// The Lp norm of each window, `(Σ |x|^p)^(1/p)`; padding adds nothing to it.
///
/// Magnitudes are scaled by the window's largest before they are raised to a power, so that none overflows
/// or vanishes. Where the norm is 0, so is its gradient. Every window must hold a pixel of the image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LpPool2d {
    pub(crate) window: Window,
    pub(crate) p: f32,
}

impl LpPool2d {
    /// A pool with the exponent `p`, at least 1 and finite, over windows of `kernel` (height and width), side
    /// by side.
    pub fn new(p: f32, kernel: impl Into<Pair>) -> Self {
        Self { window: pool::window(kernel), p }
    }

    /// Operations a tap: the magnitude and the sum, and besides for p = 2 a product, else a logarithm, a
    /// product and an exponential.
    fn flops(&self, output: Shape) -> u64 {
        let per_tap = match self.p {
            1.0 => 1,
            2.0 => 2,
            _ => 4,
        };
        pool::flops(&self.window, output, per_tap)
    }
}

window_setters!(LpPool2d: stride, padding, ceil_mode, strict);

impl FromAttributes for LpPool2d {
    const NAME: &'static str = "lp_pool2d";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let window = pool::undilated_window_from_attributes(attributes)?;
        Ok(Self { window, p: attributes.f64("p", 2.0)? as f32 })
    }
}

impl Operator for LpPool2d {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        if !(self.p.is_finite() && self.p >= 1.0) {
            return Err(format!("p is {}; it must be a finite number of at least 1", self.p));
        }
        pool::output_shape(&self.window, inputs)
    }

    fn geometry(&self, inputs: &[Shape]) -> Option<Geometry> {
        pool::geometry(&self.window, inputs).ok()
    }

    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        Cost { flops: self.flops(output) }
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let [input] = pass.inputs else { return vec![] };
        let Some(geometry) = self.geometry(&[input.shape]) else { return vec![] };
        pass.program.push(
            pool::dispatch(pass.layer, kernel!("lp_pool2d/forward"), &geometry, pass.output)
                .constant("P", self.p)
                .flops(self.flops(pass.output.shape) * pass.output.batch as u64)
                .read(input.tensor)
                .write(pass.output.tensor),
        );
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        let ([input], [Some(grad_input)]) = (pass.inputs, pass.grad_inputs) else { return };
        let Some(geometry) = self.geometry(&[input.shape]) else { return };
        pass.program.push(
            pool::dispatch(pass.layer, kernel!("lp_pool2d/backward_input"), &geometry, *grad_input)
                .constant("P", self.p)
                .flops(self.flops(pass.output.shape) * pass.output.batch as u64)
                .read(input.tensor)
                .read(pass.output.tensor)
                .read(pass.grad_output.tensor)
                .write(grad_input.tensor),
        );
    }
}
