//! The CPU twin of padding.

use super::{Gradients, Pass, Real, Twin, gather};
use crate::Tensor;
use crate::ops::{Pad2d, PadMode};

impl<T: Real> Twin<T> for Pad2d {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let shape = gather::output_shape(self, inputs);
        let value = match self.mode {
            PadMode::Constant(value) => T::of(value.into()),
            PadMode::Reflect | PadMode::Replicate => T::default(),
        };
        gather::forward(inputs[0], shape, value, source(self, inputs[0]))
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        gather::backward(inputs[0], grad_output, source(self, inputs[0]))
    }
}

/// Where an element of the output comes from.
fn source<T: Real>(pad: &Pad2d, input: &Tensor<T>) -> impl Fn([usize; 3]) -> Option<[usize; 3]> {
    let Pad2d { padding: [top, left, ..], mode } = *pad;
    let [.., height, width] = input.nchw();
    move |[c, y, x]| Some([c, along(mode, y, top, height)?, along(mode, x, left, width)?])
}

/// Where place `at` of an axis of the output comes from in an input of `size`.
fn along(mode: PadMode, at: usize, before: usize, size: usize) -> Option<usize> {
    if (before..before + size).contains(&at) {
        return Some(at - before);
    }
    match mode {
        PadMode::Constant(_) => None,
        PadMode::Replicate if at < before => Some(0),
        PadMode::Replicate => size.checked_sub(1),
        PadMode::Reflect if at < before => Some(before - at),
        PadMode::Reflect => (2 * (size - 1) + before).checked_sub(at),
    }
}
