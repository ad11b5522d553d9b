//! The twin of group normalisation.

use super::normalize::{Normalization, Set, Statistics};
use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::GroupNorm;

impl<T: Real> Twin<T> for GroupNorm {
    fn forward(&self, inputs: &[&Tensor<T>], parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        self.normalization(inputs[0], parameters).forward()
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        self.normalization(inputs[0], parameters).backward(grad_output)
    }
}

impl GroupNorm {
    /// A set for each group of each sample.
    fn normalization<'a, T: Real>(
        &self,
        x: &'a Tensor<T>,
        parameters: &[&'a Tensor<T>],
    ) -> Normalization<'a, T> {
        let [batch, channels, ..] = x.nchw();
        let size = channels / self.groups;
        let set = |i: usize| {
            let (sample, channel) = (i / self.groups, i % self.groups * size);
            let elements = Set::elements(x, sample..sample + 1, channel..channel + size);
            let statistics = Statistics::of(x, &elements);
            Set { elements, statistics, own: true }
        };
        let sets = (0..batch * self.groups).map(set).collect();
        let affine = self.settings.affine.then(|| [parameters[0], parameters[1]]);
        Normalization { x, sets, eps: self.settings.eps, affine }
    }
}
