//! Gradients by central differences of the reference's forward pass, in f64.
//!
//! For L = Σ grad_output · forward(inputs, parameters), every element v of every input and parameter has
//! dL/dv = (L(v + h) − L(v − h)) / 2h, up to h² and rounding.

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::reference::{self, Pass};

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

/// Values of both signs in a scrambled order, from 0.2 to 1.2 in magnitude and, where they are few, no two closer than
/// many steps, so that no maximum changes hands and no kink at 0 is crossed. They are exact in f32. Another `salt`
/// gives another order.
pub fn spread(shape: &[usize], salt: u64) -> Tensor {
    let len: usize = shape.iter().product();
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by_key(|i| mixed(*i as u64 ^ salt << 32));
    Tensor::from_fn(shape, |i| {
        let magnitude = (0.2 + order[i] as f64 / len as f64) as f32;
        if order[i].is_multiple_of(2) { magnitude } else { -magnitude }
    })
}

/// A permutation of the 64-bit numbers without visible order (Steele et al. 2014, SplitMix64).
fn mixed(i: u64) -> u64 {
    let i = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let i = (i ^ i >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (i ^ i >> 27).wrapping_mul(0x94d0_49bb_1331_11eb)
}
