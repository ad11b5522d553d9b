//! The CPU twin of dropout. Its masks are those of the kernel, bit for bit.

use super::philox::philox;
use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::program::quads;
use crate::ops::{Dropout, StepState};

impl<T: Real> Twin<T> for Dropout {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], pass: &Pass) -> Tensor<T> {
        masked(self, inputs[0], pass)
    }

    fn backward(
        &self,
        _inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        pass: &Pass,
    ) -> Gradients<T> {
        Gradients { inputs: vec![masked(self, grad_output, pass)], parameters: vec![] }
    }
}

/// `values` times the step's mask; a copy of them outside training.
fn masked<T: Real>(dropout: &Dropout, values: &Tensor<T>, pass: &Pass) -> Tensor<T> {
    if !pass.training {
        return values.clone();
    }
    let [_, channels, height, width] = values.nchw();
    let (pixels, quads) = (height * width, quads(channels));
    let (threshold, scale) = (dropout.threshold(), T::of(dropout.scale()));
    let StepState { seed_low, seed_high, step, .. } = pass.step;
    Tensor::from_fn(values.shape(), |i| {
        // On the device a word of the generator belongs to a lane of a quad, in NHWC order.
        let (sample, channel, pixel) = (i / (channels * pixels), i / pixels % channels, i % pixels);
        let quad = (sample * pixels + pixel) * quads + channel / 4;
        let words = philox([quad as u32, step, pass.stream, 0], [seed_low, seed_high]);
        if words[channel % 4] >= threshold { values.data()[i] * scale } else { T::default() }
    })
}
