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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::StepState;

    /// Two samples that count, 1 and 3, and one that does not.
    #[test]
    fn statistics_are_those_of_the_samples_that_count() {
        let vector = |values: &[f64]| Tensor::new([values.len(), 1, 1, 1], values.to_vec()).unwrap();
        let (norm, x) = (BatchNorm::new().eps(0.0).affine(false), vector(&[1.0, 3.0, 100.0]));
        let [mean, variance] = [0.0, 1.0].map(|value| Tensor::new([1], vec![value]).unwrap());
        let parameters = [&mean, &variance];
        let pass = Pass { training: true, stream: 0, step: StepState::new(0, 0, 2, 0.0) };
        assert_eq!(norm.forward(&[&x], &parameters, &pass), vector(&[-1.0, 1.0, 0.0]));
        let updated = norm.updated_buffers(&[&x], &parameters, &pass);
        let close = |at: usize, wanted: f64| {
            let (place, value) = &updated[at];
            *place == at && (value.data()[0] - wanted).abs() < 1e-8
        };
        // The unbiased variance of 1 and 3 is 2.
        assert!(close(0, 0.1 * 2.0) && close(1, 0.9 + 0.1 * 2.0), "{updated:?}");
        let evaluated = norm.forward(&[&x], &[&updated[0].1, &variance], &Pass::default());
        assert!((evaluated.data()[2] - 99.8).abs() < 1e-6, "{evaluated:?}");
    }
}
