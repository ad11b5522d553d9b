//! Dropout (Srivastava et al. 2014): in training each element is zero with probability p and multiplied by
//! 1 / (1 − p) otherwise; in inference nothing happens.

use super::program::{Activation, Dispatch, TensorId, kernel};
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, elementwise, single_input};
use crate::shape::Shape;

/// Dropout with inverted scaling: `input · mask`, where the mask is 0 with probability p and 1 / (1 − p)
/// otherwise, in training only.
///
/// The mask comes from a counter-based generator: it follows from the seed, the step, the layer and the
/// position alone, the same on every adapter and on the CPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    probability: f32,
}

impl Dropout {
    /// Dropout that drops with `probability`, at least 0 and less than 1.
    pub fn new(probability: f32) -> Self {
        Self { probability }
    }

    /// An element is kept where its random word is at least this: `round(p · 2³²)`.
    pub(crate) fn threshold(&self) -> u32 {
        // p < 1 in f32 is at most 1 − 2⁻²⁴, so that the product is in range.
        (f64::from(self.probability) * 2f64.powi(32)).round() as u32
    }

    /// What the kept elements are multiplied by.
    pub(crate) fn scale(&self) -> f64 {
        1.0 / (1.0 - f64::from(self.probability))
    }

    /// The product with the mask of samples from `first` on.
    fn mask(
        &self,
        layer: &str,
        (stream, first): (u32, usize),
        step: TensorId,
        from: Activation,
        to: Activation,
    ) -> Dispatch {
        let sample_quads = to.quads() * to.shape.pixels();
        elementwise::over_quads(layer, kernel!("dropout/mask"), to.total_quads())
            .uniform((first * sample_quads) as u32)
            .constant("THRESHOLD", self.threshold())
            .constant("SCALE", self.scale())
            .constant("STREAM", stream)
            .read(from.tensor)
            .read(step)
            .write(to.tensor)
            .flops(elementwise::elements(to))
    }
}

impl FromAttributes for Dropout {
    const NAME: &'static str = "dropout";

    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self::new(attributes.f64("p", 0.5)? as f32))
    }
}

impl Operator for Dropout {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        if !(0.0..1.0).contains(&self.probability) {
            return Err(format!(
                "the probability is {}; it must be at least 0 and less than 1",
                self.probability
            ));
        }
        single_input(inputs)
    }

    fn is_identity(&self, _inputs: &[Shape], training: bool) -> bool {
        !training || self.probability == 0.0
    }

    fn reads_output(&self) -> bool {
        false
    }

    fn cost(&self, _inputs: &[Shape], output: Shape) -> Cost {
        elementwise::cost(output)
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        let stream = (pass.stream, pass.first_sample);
        let dispatch = self.mask(pass.layer, stream, pass.step, pass.inputs[0], pass.output);
        pass.program.push(dispatch);
        vec![]
    }

    fn backward(&self, pass: Backward<'_>) {
        if let Some(grad_input) = pass.grad_inputs[0] {
            let stream = (pass.stream, pass.first_sample);
            let dispatch = self.mask(pass.layer, stream, pass.step, pass.grad_output, grad_input);
            pass.program.push(dispatch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threshold_is_the_probability_in_32_bits() {
        for (probability, threshold) in
            [(0.0, 0), (0.25, 1 << 30), (0.5, 1 << 31), (1.0 - f32::EPSILON / 2.0, u32::MAX - 255)]
        {
            assert_eq!(Dropout::new(probability).threshold(), threshold);
        }
    }
}
