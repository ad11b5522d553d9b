//! The twin of convolution.

use super::convolution::{backward_bias, backward_input, backward_weight, biased, forward};
use super::{Gradients, Pass, Real, Twin, window};
use crate::Tensor;
use crate::ops::Conv2d;

impl<T: Real> Twin<T> for Conv2d {
    fn forward(&self, inputs: &[&Tensor<T>], parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let convolution = self.convolution(&[window::shape(inputs[0])]).unwrap_or_default();
        let [height, width] = convolution.geometry.output;
        let shape = [inputs[0].nchw()[0], convolution.outputs, height, width];
        let mut output = biased(shape, parameters.get(1));
        forward(&convolution, inputs[0], parameters[0], &mut output);
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
        backward_input(&convolution, grad_output, weight, &mut grad_input);
        backward_weight(&convolution, input, grad_output, &mut grad_weight);
        let grad_bias = parameters.get(1).map(|_| backward_bias(grad_output));
        let parameters = [Some(grad_weight), grad_bias].into_iter().flatten().collect();
        Gradients { inputs: vec![grad_input], parameters }
    }
}
