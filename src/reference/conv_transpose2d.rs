//! The twin of transposed convolution: convolution, gone through from its end to its beginning.

use super::convolution::{backward_bias, backward_input, backward_weight, biased, forward};
use super::{Gradients, Pass, Real, Twin, window};
use crate::Tensor;
use crate::ops::ConvTranspose2d;

impl<T: Real> Twin<T> for ConvTranspose2d {
    fn forward(&self, inputs: &[&Tensor<T>], parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let convolution = self.convolution(&[window::shape(inputs[0])]).unwrap_or_default();
        let [height, width] = convolution.geometry.input;
        let shape = [inputs[0].nchw()[0], convolution.inputs, height, width];
        let mut output = biased(shape, parameters.get(1));
        backward_input(&convolution, inputs[0], parameters[0], &mut output);
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
        let (input, weight) = (inputs[0], parameters[0]);
        let convolution = self.convolution(&[window::shape(input)]).unwrap_or_default();
        let mut grad_input = Tensor::zeros(input.shape());
        let mut grad_weight = Tensor::zeros(weight.shape());
        forward(&convolution, grad_output, weight, &mut grad_input);
        backward_weight(&convolution, grad_output, input, &mut grad_weight);
        let grad_bias = parameters.get(1).map(|_| backward_bias(grad_output));
        let parameters = [Some(grad_weight), grad_bias].into_iter().flatten().collect();
        Gradients { inputs: vec![grad_input], parameters }
    }
}
