//! Gradients by central differences of the reference's forward pass, in f64.
//!
//! For L = Σ grad_output · forward(inputs, parameters), every element v of every input and parameter has
//! dL/dv = (L(v + h) − L(v − h)) / 2h, up to h² and rounding.

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::reference::{self, Pass};

pub use super::values::spread;

/// The step h: its square and 2⁻⁵² / h are both far below the tolerance.
pub const STEP: f64 = 1e-5;

/// How far apart the analytic and the numeric gradient may be, relative to the largest (or to 1).
pub const TOLERANCE: f64 = 1e-7;

/// The gradients to the inputs, then those to the parameters.
pub fn gradients(
    network: &Network,
    inputs: &[Tensor<f64>],
    parameters: &[Tensor<f64>],
    grad_output: &Tensor<f64>,
    pass: &Pass,
) -> Vec<Tensor<f64>> {
    let mut tensors: Vec<_> = inputs.iter().chain(parameters).cloned().collect();
    let loss = |tensors: &[Tensor<f64>]| -> f64 {
        let (inputs, parameters) = tensors.split_at(inputs.len());
        let values = reference::forward(network, parameters, inputs, pass).unwrap();
        let output = &values[network.output().0];
        output.data().iter().zip(grad_output.data()).map(|(y, grad)| y * grad).sum()
    };
    let shapes: Vec<_> = tensors.iter().map(|tensor| tensor.shape().to_vec()).collect();
    let gradient = |(which, shape): (usize, Vec<usize>)| {
        Tensor::from_fn(shape, |at| {
            let value = tensors[which].data()[at];
            let mut moved = |to: f64| {
                tensors[which].data_mut()[at] = to;
                loss(&tensors)
            };
            let difference = moved(value + STEP) - moved(value - STEP);
            tensors[which].data_mut()[at] = value;
            difference / (2.0 * STEP)
        })
    };
    shapes.into_iter().enumerate().map(gradient).collect()
}
