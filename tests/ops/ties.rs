//! Maxima among many equal values, infinities and NaN. No operator of its own.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::Operator;
use wgcnn::reference::{self, Gradients, Pass};
use wgcnn::shape::Shape;

use crate::common::differences::spread;
use crate::common::gpu;
use crate::contexts::contexts;

/// Checks a max pool on an input of this NCHW shape: output, with and without a backward pass, and gradient are those of
/// the reference, to the bit. Gradients are whole numbers, so that their sums are exact in any order.
pub fn check(operator: impl Operator + 'static, shape: [usize; 4]) {
    let name = format!("{operator:?} on {shape:?}");
    let operator: Arc<dyn Operator> = Arc::new(operator);
    let [batch, channels, height, width] = shape;
    let network = Network::from_operator(operator, &[Shape::new(channels, height, width)]).unwrap();
    let order = spread(&shape, 0);
    let grad = Tensor::from_fn(network.output_shape().nchw(batch), |i| (i % 61) as f32 + 1.0);
    let (low, infinite) = (f32::NEG_INFINITY, f32::INFINITY);
    for values in
        [[-3.0; 4], [0.0, -0.0, 1.0, -2.0], [low, low, infinite, 1.0], [low, low, f32::NAN, 2.0], [low; 4]]
    {
        let input = order.map(|x| values[(x.abs() * 4096.0) as usize % 4]);
        let (output, Gradients { inputs, .. }) =
            reference::vjp(&network, &[], &[input.map(f64::from)], &grad.map(f64::from), &Pass::default())
                .unwrap();
        for context in contexts() {
            let run =
                |grad| gpu::differentiate(context, &network, &[&input], grad, &Pass::default()).unwrap();
            let trained = run(Some(&grad));
            same(&format!("{name}: output"), &trained["output"], output.data());
            same(&format!("{name}: gradient"), &trained["grad.input.0"], inputs[0].data());
            same(&format!("{name}: inference"), &run(None)["output"], output.data());
        }
    }
}

/// Checks that all elements are equal or NaN in both.
fn same(what: &str, got: &[f64], wanted: &[f64]) {
    assert_eq!(got.len(), wanted.len(), "{what}: number of elements");
    for (i, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        assert!(got == wanted || got.is_nan() && wanted.is_nan(), "{what} at {i} is {got}, not {wanted}");
    }
}
