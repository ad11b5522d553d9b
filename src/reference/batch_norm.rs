//! The twin of batch normalisation.

use super::normalize::{Normalization, Set, Statistics};
use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::BatchNorm;

impl<T: Real> Twin<T> for BatchNorm {
    fn forward(&self, inputs: &[&Tensor<T>], parameters: &[&Tensor<T>], pass: &Pass) -> Tensor<T> {
        self.normalization(inputs[0], parameters, pass).forward()
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        pass: &Pass,
    ) -> Gradients<T> {
        self.normalization(inputs[0], parameters, pass).backward(grad_output)
    }

    fn updated_buffers(
        &self,
        inputs: &[&Tensor<T>],
        parameters: &[&Tensor<T>],
        pass: &Pass,
    ) -> Vec<(usize, Tensor<T>)> {
        let Normalization { sets, .. } = self.normalization(inputs[0], parameters, pass);
        let momentum = f64::from(self.momentum);
        let first = self.first_buffer();
        let updated = |at: usize, new: &dyn Fn(&Set) -> f64| {
            let old = parameters[at].data();
            let value = |c: usize| (1.0 - momentum) * old[c].f64() + momentum * new(&sets[c]);
            (at, Tensor::from_fn(parameters[at].shape(), |c| T::of(value(c))))
        };
        let unbiased = |set: &Set| {
            let count = set.elements.len() as f64;
            set.statistics.variance * count / (count - 1.0)
        };
        vec![updated(first, &|set| set.statistics.mean), updated(first + 1, &unbiased)]
    }
}

impl BatchNorm {
    /// The place of `running_mean` among the parameters, before `running_var`.
    fn first_buffer(&self) -> usize {
        if self.settings.affine { 2 } else { 0 }
    }

    /// A set for each channel.
    fn normalization<'a, T: Real>(
        &self,
        x: &'a Tensor<T>,
        parameters: &[&'a Tensor<T>],
        pass: &Pass,
    ) -> Normalization<'a, T> {
        let [batch, channels, ..] = x.nchw();
        let samples = if pass.training { pass.samples(batch) } else { batch };
        let running = |i: usize, channel: usize| parameters[self.first_buffer() + i].data()[channel].f64();
        let set = |channel: usize| {
            let elements = Set::elements(x, 0..samples, channel..channel + 1);
            let statistics = match pass.training {
                true => Statistics::of(x, &elements),
                false => Statistics { mean: running(0, channel), variance: running(1, channel) },
            };
            Set { elements, statistics, own: pass.training }
        };
        let affine = self.settings.affine.then(|| [parameters[0], parameters[1]]);
        Normalization { x, sets: (0..channels).map(set).collect(), eps: self.settings.eps, affine }
    }
}
