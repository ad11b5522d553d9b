//! The reference executor on graphs.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::Operator;
use wgcnn::reference::{self, Pass};
use wgcnn::shape::Shape;

use crate::custom::Blend;
use crate::errors::assert_says;

fn tensor(shape: &[usize], data: &[f64]) -> Tensor<f64> {
    Tensor::new(shape, data.to_vec()).unwrap()
}

/// y = u · x + v · (w · x), with x read twice.
fn fan_out() -> Network {
    Network::builder(2).join(Blend, |j| j.branch(|b| b).branch(|b| b.layer("inner", Blend))).build().unwrap()
}

#[test]
fn gradients_of_a_value_with_two_readers_add_up() {
    let network = fan_out();
    // In the order of the layers: w of `inner`, then u and v.
    let parameters = [tensor(&[1], &[5.0]), tensor(&[2], &[2.0, 3.0])];
    let (x, grad) = (tensor(&[1, 2, 1, 1], &[1.0, -2.0]), tensor(&[1, 2, 1, 1], &[1.0, 10.0]));
    let (y, gradients) = reference::vjp(&network, &parameters, &[x], &grad, &Pass::default()).unwrap();
    // y = (2 + 3 · 5) x
    assert_eq!(y.data(), [17.0, -34.0]);
    assert_eq!(gradients.inputs, [tensor(&[1, 2, 1, 1], &[17.0, 170.0])]);
    // Σ g x = −19: dw = v · that, du = that, dv = w · that.
    assert_eq!(gradients.parameters, [tensor(&[1], &[-57.0]), tensor(&[2], &[-19.0, -95.0])]);
}

#[test]
fn the_parameters_are_those_of_the_network() {
    let network = fan_out();
    let parameters = reference::parameters::<f32>(&network);
    assert_eq!(parameters[1], network.parameter("blend1.weight").unwrap().value);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let network =
        Network::from_operator(Arc::new(Blend) as Arc<dyn Operator>, &[Shape::features(2); 2]).unwrap();
    let parameters = [tensor(&[2], &[1.0, 1.0])];
    let input = |n: usize, f: usize| Tensor::<f64>::zeros([n, f, 1, 1]);
    let forward = |parameters: &[Tensor<f64>], inputs: &[Tensor<f64>]| {
        reference::forward(&network, parameters, inputs, &Pass::default())
    };
    assert_says(forward(&[], &[input(1, 2)]), "parameters: expected shape [1] tensors, got [0]");
    assert_says(
        forward(&[tensor(&[1], &[1.0])], &[input(1, 2)]),
        "blend.weight: expected shape [2], got [1]",
    );
    assert_says(forward(&parameters, &[input(1, 2)]), "inputs: expected shape [2] tensors, got [1]");
    assert_says(
        forward(&parameters, &[input(3, 2), input(2, 2)]),
        "input 1: expected shape [3, 2, 1, 1], got [2, 2, 1, 1]",
    );
    assert_says(
        forward(&parameters, &[input(0, 2), input(0, 2)]),
        "input 0: expected shape [1, 2, 1, 1], got [0, 2, 1, 1]",
    );
    let values = forward(&parameters, &[input(3, 2), input(3, 2)]).unwrap();
    assert_says(
        reference::backward(&network, &parameters, &values, &input(1, 2), &Pass::default()),
        "gradient of the output: expected shape [3, 2, 1, 1], got [1, 2, 1, 1]",
    );
    assert_says(
        reference::backward(&network, &parameters, &values[..2], &input(3, 2), &Pass::default()),
        "values: expected shape [3] tensors, got [2]",
    );
}
