//! The CPU twin of concatenation along channels.

use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::Concat;

impl<T: Real> Twin<T> for Concat {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let [batch, _, height, width] = inputs[0].nchw();
        let channels: usize = inputs.iter().map(|input| input.nchw()[1]).sum();
        let mut output = Tensor::zeros([batch, channels, height, width]);
        for_each_run(inputs, |input, from, to, len| {
            output.data_mut()[to..to + len].copy_from_slice(&inputs[input].data()[from..from + len]);
        });
        output
    }

    fn backward(
        &self,
        inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        _output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let mut grads: Vec<_> = inputs.iter().map(|input| Tensor::zeros(input.shape())).collect();
        for_each_run(inputs, |input, from, to, len| {
            grads[input].data_mut()[from..from + len].copy_from_slice(&grad_output.data()[to..to + len]);
        });
        Gradients { inputs: grads, parameters: vec![] }
    }
}

/// Calls `f` with every run of elements that stay together: the input, where the run begins in it and in
/// the output, and its length, all channels of one sample.
fn for_each_run<T: Real>(inputs: &[&Tensor<T>], mut f: impl FnMut(usize, usize, usize, usize)) {
    let mut to = 0;
    for sample in 0..inputs[0].nchw()[0] {
        for (i, input) in inputs.iter().enumerate() {
            let len = input.nchw()[1..].iter().product();
            f(i, sample * len, to, len);
            to += len;
        }
    }
}
