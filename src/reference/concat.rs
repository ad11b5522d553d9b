//! The CPU twin of concatenation along an axis.

use super::{Gradients, Pass, Real, Twin};
use crate::Tensor;
use crate::ops::Concat;

impl<T: Real> Twin<T> for Concat {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let axis = 1 + self.axis.index();
        let mut shape = inputs[0].nchw();
        shape[axis] = inputs.iter().map(|input| input.nchw()[axis]).sum();
        let mut output = Tensor::zeros(shape);
        for_each_run(axis, inputs, |input, from, to, len| {
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
        for_each_run(1 + self.axis.index(), inputs, |input, from, to, len| {
            grads[input].data_mut()[from..from + len].copy_from_slice(&grad_output.data()[to..to + len]);
        });
        Gradients { inputs: grads, parameters: vec![] }
    }
}

/// Calls `f` with every run of elements that stay together: the input, where the run begins in it and in the output,
/// and its length, all from `axis` (of NCHW) on.
fn for_each_run<T: Real>(axis: usize, inputs: &[&Tensor<T>], mut f: impl FnMut(usize, usize, usize, usize)) {
    let mut to = 0;
    for run in 0..inputs[0].nchw()[..axis].iter().product() {
        for (i, input) in inputs.iter().enumerate() {
            let len = input.nchw()[axis..].iter().product();
            f(i, run * len, to, len);
            to += len;
        }
    }
}
