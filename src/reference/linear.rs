//! The twin of the fully connected layer.

use super::matrix::{add_product, transposed};
use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::Linear;

impl<T: Real> Twin<T> for Linear {
    fn forward(&self, inputs: &[&Tensor<T>], parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let (weight, outputs) = (parameters[0], self.out_features);
        let [batch, features, ..] = inputs[0].nchw();
        let mut output = Tensor::zeros([batch, outputs, 1, 1]);
        if let Some(bias) = parameters.get(1) {
            output.data_mut().chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(bias.data()));
        }
        let weight = transposed(weight.data(), features);
        add_product(output.data_mut(), inputs[0].data(), &weight, features, outputs);
        output
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let (weight, outputs) = (parameters[0], self.out_features);
        let [batch, features, ..] = inputs[0].nchw();
        let grad = grad_output.data();

        let mut grad_input = Tensor::zeros(inputs[0].shape());
        add_product(grad_input.data_mut(), grad, weight.data(), outputs, features);

        let mut grad_weight = Tensor::zeros(weight.shape());
        add_product(grad_weight.data_mut(), &transposed(grad, outputs), inputs[0].data(), batch, features);

        let mut gradients = Gradients { inputs: vec![grad_input], parameters: vec![grad_weight] };
        if let Some(bias) = parameters.get(1) {
            let mut grad_bias = Tensor::zeros(bias.shape());
            for row in grad.chunks_exact(outputs) {
                grad_bias.data_mut().iter_mut().zip(row).for_each(|(sum, grad)| *sum += *grad);
            }
            gradients.parameters.push(grad_bias);
        }
        gradients
    }
}
