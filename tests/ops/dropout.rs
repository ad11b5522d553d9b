//! Dropout, whose masks are those of the reference bit for bit.

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::{Dropout, Operator, StepState};
use wgcnn::reference::{self, Pass};
use wgcnn::shape::Shape;

use crate::check::check_within;
use crate::common::gpu;
use crate::contexts::contexts;

/// A network in which dropout is the `stream`th layer and the only one that does something.
fn network(probability: f32, shape: impl Into<Shape>, stream: usize) -> Network {
    let builder = (0..stream).fold(Network::builder(shape), |builder, _| builder.dropout(0.0));
    builder.dropout(probability).build().unwrap()
}

fn training(seed: u64, step: u32) -> Pass {
    Pass { training: true, stream: 0, step: StepState::new(seed, step, 1, 0.0) }
}

/// What an input and a gradient of ones become on every variant, which must agree to the bit.
fn masks(network: &Network, batch: usize, pass: &Pass) -> [Vec<f64>; 2] {
    let ones = Tensor::full(network.input_shape().nchw(batch), 1.0);
    let mut results = contexts().iter().map(|context| {
        let mut results = gpu::differentiate(context, network, &[&ones], Some(&ones), pass).unwrap();
        ["output", "grad.input.0"].map(|name| results.remove(name).unwrap())
    });
    let first = results.next().unwrap();
    assert!(results.all(|other| other == first));
    first
}

#[test]
fn masks_are_those_of_the_reference() {
    for shape in [[1, 1, 1], [3, 5, 7], [17, 9, 11], [64, 1, 1]] {
        for (probability, seed, step, stream) in [(0.5, 0, 0, 0), (0.1, 7 << 40 | 3, 12, 1), (0.9, 1, 1, 3)] {
            let (network, pass) = (network(probability, shape, stream), training(seed, step));
            let ones = Tensor::full(network.input_shape().nchw(3), 1.0_f32);
            let (wanted, gradients) =
                reference::vjp(&network, &[], std::slice::from_ref(&ones), &ones, &pass).unwrap();
            assert_eq!(wanted, gradients.inputs[0]);
            let wanted = wanted.map(f64::from).into_data();
            assert_eq!(masks(&network, 3, &pass), [wanted.clone(), wanted], "{shape:?} with {probability}");
        }
    }
}

/// Within five standard deviations of a binomial distribution.
#[test]
fn the_right_fraction_is_kept() {
    for probability in [0.05, 0.5, 0.8] {
        let [mask, _] = masks(&network(probability, [33, 61, 53], 0), 1, &training(5, 0));
        let kept = mask.iter().filter(|x| **x != 0.0).count() as f64 / mask.len() as f64;
        let wanted = 1.0 - f64::from(probability);
        let deviation = (wanted * (1.0 - wanted) / mask.len() as f64).sqrt();
        assert!((kept - wanted).abs() < 5.0 * deviation, "{kept} of {} with {probability}", mask.len());
        let scale = f64::from((1.0 / wanted) as f32);
        assert!(mask.iter().all(|x| *x == 0.0 || *x == scale), "kept elements are multiplied by {scale}");
    }
}

#[test]
fn seed_step_and_layer_each_give_another_mask() {
    let shape = [8, 5, 5];
    let of = |seed, step, stream| masks(&network(0.5, shape, stream), 1, &training(seed, step))[0].clone();
    let first = of(1, 2, 0);
    assert_eq!(of(1, 2, 0), first);
    for other in [of(2, 2, 0), of(1 | 1 << 32, 2, 0), of(1, 3, 0), of(1, 2, 1)] {
        let same = first.iter().zip(&other).filter(|(a, b)| a == b).count();
        assert!((60..140).contains(&same), "{same} of 200 elements of two masks agree");
    }
}

#[test]
fn inference_drops_nothing() {
    let pass = Pass { training: false, ..training(1, 1) };
    let [output, grad] = masks(&network(0.9, [5, 3, 2], 0), 2, &pass);
    assert_eq!((output, grad), (vec![1.0; 60], vec![1.0; 60]));
}

#[test]
fn within_a_graph() {
    check_within(Dropout::new(0.4), [2, 6, 5, 4]);
}

#[test]
fn nan_is_refused() {
    let message = Dropout::new(f32::NAN).output_shape(&[Shape::features(4)]).unwrap_err();
    assert_eq!(message, "the probability is NaN; it must be at least 0 and less than 1");
}
