//! The gradients of a whole network against differences of its loss.

use wgcnn::Tensor;
use wgcnn::network::{Init, Network};
use wgcnn::ops::{Conv2d, CrossEntropy, Linear, LpPool2d, StepState, Target};
use wgcnn::reference::{self, LossTwin, Measured, Pass};

/// Every way to join layers, and every operator with a derivative.
fn network() -> Network {
    let xavier = Init::XavierNormal;
    Network::builder([2, 7, 6])
        .seed(5)
        .conv2d("stem", Conv2d::new(4, 3).same().init(xavier))
        .sigmoid()
        .residual(|b| b.conv2d("body", Conv2d::new(4, [1, 3]).same().groups(2).init(xavier)).tanh())
        .concat(|branches| {
            branches
                .branch(|b| b.max_pool2d(2))
                .branch(|b| b.avg_pool2d(2).relu())
                .branch(|b| b.lp_pool2d(LpPool2d::new(2.0, 2)))
        })
        .flatten()
        .dropout(0.25)
        .linear("fc", Linear::new(3).init(xavier))
        .build()
        .unwrap()
}

const LABELS: [i32; 2] = [2, 0];

fn pass() -> Pass {
    Pass { training: true, stream: 0, step: StepState::new(7, 3, 2, 0.0) }
}

fn loss(
    network: &Network,
    parameters: &[Tensor<f64>],
    images: &Tensor<f64>,
) -> (Measured<f64>, Vec<Tensor<f64>>) {
    let values = reference::forward(network, parameters, std::slice::from_ref(images), &pass()).unwrap();
    let measured =
        CrossEntropy::mean().measure(&values[network.output().0], Target::Classes(&LABELS), LABELS.len());
    (measured, values)
}

#[test]
fn a_whole_network_has_the_gradients_of_its_loss() {
    let network = network();
    let mut parameters = reference::parameters::<f64>(&network);
    let mut images = Tensor::from_fn([2, 2, 7, 6], |i| (i as f64 * 1.7).sin());
    let (measured, values) = loss(&network, &parameters, &images);
    let gradients = reference::backward(&network, &parameters, &values, &measured.grad, &pass()).unwrap();

    let check = |name: &str, i: usize, gradient: f64, up: f64, down: f64| {
        let difference = (up - down) / (2.0 * STEP);
        let error = (gradient - difference).abs();
        assert!(error <= 1e-8 + 1e-6 * difference.abs(), "{name}[{i}]: {gradient}, differences {difference}");
    };
    for (at, parameter) in network.parameters().iter().enumerate() {
        for i in 0..parameter.value.len() {
            let value = parameters[at].data()[i];
            let mut moved = |to: f64| {
                parameters[at].data_mut()[i] = to;
                loss(&network, &parameters, &images).0.loss
            };
            let (up, down) = (moved(value + STEP), moved(value - STEP));
            moved(value);
            check(&parameter.name, i, gradients.parameters[at].data()[i], up, down);
        }
    }
    for i in 0..images.len() {
        let value = images.data()[i];
        let mut moved = |to: f64| {
            images.data_mut()[i] = to;
            loss(&network, &parameters, &images).0.loss
        };
        let (up, down) = (moved(value + STEP), moved(value - STEP));
        moved(value);
        check("images", i, gradients.inputs[0].data()[i], up, down);
    }
}

const STEP: f64 = 1e-5;
