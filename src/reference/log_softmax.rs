//! The CPU twin of the logarithm of softmax.

use super::{Gradients, Pass, Real, Twin, lines};
use crate::Tensor;
use crate::ops::LogSoftmax;

impl<T: Real> Twin<T> for LogSoftmax {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let mut output = inputs[0].clone();
        lines::for_each(inputs[0], self.axis, |line| {
            let (top, sum) = lines::top_and_sum(inputs[0].data(), line);
            for i in line {
                output.data_mut()[*i] = (inputs[0].data()[*i] - top) - sum.ln();
            }
        });
        output
    }

    fn backward(
        &self,
        _inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let (y, grad) = (output.data(), grad_output.data());
        let mut grad_input = grad_output.clone();
        lines::for_each(output, self.axis, |line| {
            let mut sum = T::default();
            for i in line {
                sum += grad[*i];
            }
            for i in line {
                grad_input.data_mut()[*i] = grad[*i] - y[*i].exp() * sum;
            }
        });
        Gradients { inputs: vec![grad_input], parameters: vec![] }
    }
}
