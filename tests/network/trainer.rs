//! Training on the reference executor.

use std::sync::Arc;

use wgcnn::data::{Batch, Dataset};
use wgcnn::network::Network;
use wgcnn::ops::{Add, Conv2d, CrossEntropy, LossScaling, Operator, Sgd};
use wgcnn::reference::{Precision, Trainer};
use wgcnn::shape::Shape;
use wgcnn::train::{Metrics, TrainerOptions};
use wgcnn::{Result, Tensor};

use crate::common::images;
use crate::errors::assert_says;

fn quadrants(count: usize) -> Dataset {
    images::quadrants(6, count)
}

fn network() -> Network {
    Network::builder([1, 6, 6])
        .conv2d("conv1", Conv2d::new(4, 3).same())
        .relu()
        .max_pool2d(2)
        .flatten()
        .dropout(0.25)
        .linear("fc1", 4)
        .build()
        .unwrap()
}

fn trainer<T: Precision>(network: Network, batch: usize) -> Trainer<T> {
    Trainer::new(network, CrossEntropy::mean(), Sgd::new(0.05).momentum(0.9), batch).unwrap()
}

/// The losses of an epoch.
fn train<T: Precision>(trainer: &mut Trainer<T>, dataset: &Dataset) -> Vec<f32> {
    dataset.batches(16).map(|batch| trainer.step(&batch).unwrap().loss).collect()
}

#[test]
fn a_network_learns_what_can_be_learned() {
    let (training, test) = quadrants(400).hold_out(5);
    let mut trainer = trainer::<f32>(network(), 16);
    let before = trainer.evaluate(&test).unwrap();
    for epoch in 0..3 {
        train(&mut trainer, &training.shuffled(epoch));
    }
    let after = trainer.evaluate(&test).unwrap();
    assert!(before.accuracy().unwrap() < 0.6 && after.accuracy().unwrap() > 0.95, "{before}; {after}");
    assert_eq!(after.count, test.len());
    // What comes back is what was trained, and predicts the same.
    let trained = trainer.network().unwrap();
    let again = self::trainer::<f32>(trained, 7).evaluate(&test).unwrap();
    assert_eq!((again.correct, again.count), (after.correct, after.count));
}

#[test]
fn both_precisions_take_the_same_steps() {
    let dataset = quadrants(160);
    let mut single = trainer::<f32>(network(), 16);
    let mut double = trainer::<f64>(network(), 16);
    let losses = train(&mut single, &dataset).into_iter().zip(train(&mut double, &dataset));
    for (step, (single, double)) in losses.enumerate() {
        assert!((single - double).abs() < 1e-4, "step {step}: {single} and {double}");
    }
}

#[test]
fn the_seed_alone_decides_the_masks() {
    let dataset = quadrants(64);
    let losses = |seed| {
        let mut trainer = trainer::<f64>(network(), 16);
        trainer.set_seed(seed);
        train(&mut trainer, &dataset)
    };
    assert_eq!(losses(1), losses(1));
    assert_ne!(losses(1), losses(2));
    assert_ne!(losses(1), losses(1 + (1 << 32)), "both halves of the seed count");
}

#[test]
fn frozen_layers_and_a_rate_of_zero_stay_as_they_are() {
    let dataset = quadrants(32);
    let mut frozen = network();
    frozen.freeze("conv1").unwrap();
    let mut trainer = trainer::<f32>(frozen, 16);
    let unchanged = |trainer: &Trainer<f32>| {
        let (before, after) = (network(), trainer.network().unwrap());
        let same = before.parameters().iter().zip(after.parameters()).map(|(a, b)| a.value == b.value);
        same.collect::<Vec<_>>()
    };
    trainer.set_learning_rate(0.0).unwrap();
    train(&mut trainer, &dataset);
    assert_eq!(unchanged(&trainer), [true; 4]);
    trainer.set_learning_rate(0.05).unwrap();
    train(&mut trainer, &dataset);
    assert_eq!(unchanged(&trainer), [true, true, false, false]);
}

#[test]
fn how_images_are_batched_does_not_matter() {
    let dataset = quadrants(13);
    let images = dataset.batches(13).next().unwrap().images;
    let (small, large) = (trainer::<f64>(network(), 4), trainer::<f64>(network(), 64));
    let predicted = large.predict(&images).unwrap();
    assert_eq!(predicted.shape(), [13, 4, 1, 1]);
    assert_eq!(small.predict(&images).unwrap(), predicted);
    let (a, b) = (small.evaluate(&dataset).unwrap(), large.evaluate(&dataset).unwrap());
    assert_eq!((a.correct, a.count), (b.correct, b.count));
    assert!((a.loss - b.loss).abs() < 1e-6, "{a}; {b}");
}

#[test]
fn gradients_are_those_of_the_next_step() {
    let batch = quadrants(16).batches(16).next().unwrap();
    let mut trainer = Trainer::<f64>::new(network(), CrossEntropy::mean(), Sgd::new(0.5), 16).unwrap();
    let before = trainer.parameters().to_vec();
    let (foreseen, gradients) = trainer.gradients(&batch).unwrap();
    let measured = trainer.step_exact(&batch).unwrap();
    assert_eq!((foreseen.loss, foreseen.correct), (measured.loss, measured.correct));
    for ((before, after), gradient) in before.iter().zip(trainer.parameters()).zip(gradients.parameters) {
        let moved = before.data().iter().zip(gradient.data()).map(|(value, gradient)| value - 0.5 * gradient);
        assert!(moved.zip(after.data()).all(|(wanted, got)| (wanted - got).abs() < 1e-15));
    }
}

/// The norm of all gradients together and the distance that a step of plain descent at a rate of 1 goes, for the same
/// images.
fn norm_and_distance(options: TrainerOptions) -> (f64, f64) {
    let batch = quadrants(16).batches(16).next().unwrap();
    let mut trainer = Trainer::<f64>::new(network(), CrossEntropy::mean(), Sgd::new(1.0), options).unwrap();
    let before = trainer.parameters().to_vec();
    let (_, gradients) = trainer.gradients(&batch).unwrap();
    trainer.step(&batch).unwrap();
    let gradients = gradients.parameters.iter().flat_map(Tensor::data);
    let norm = gradients.map(|gradient| gradient * gradient).sum::<f64>().sqrt();
    let moved = before.iter().zip(trainer.parameters()).flat_map(|(a, b)| a.data().iter().zip(b.data()));
    (norm, moved.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt())
}

#[test]
fn clipped_gradients_go_no_further_than_the_largest_norm() {
    let (norm, distance) = norm_and_distance(TrainerOptions::batch(16));
    assert!((norm - distance).abs() < 1e-12 * norm, "{norm}, {distance}");
    let (_, unclipped) = norm_and_distance(TrainerOptions::batch(16).clip_grad_norm(2.0 * norm as f32));
    assert_eq!(unclipped, distance);
    let (_, clipped) = norm_and_distance(TrainerOptions::batch(16).clip_grad_norm(0.25));
    assert!((clipped - 0.25 * norm / (norm + 1e-6)).abs() < 1e-7, "{clipped}");

    // The scale of the loss is in the gradients, and no longer in the step.
    let scaling = LossScaling::default().init_scale(1024.0);
    let (scaled_norm, clipped_too) =
        norm_and_distance(TrainerOptions::batch(16).clip_grad_norm(0.25).loss_scaling(scaling));
    assert!((scaled_norm - 1024.0 * norm).abs() < 1e-9 * norm, "{scaled_norm}");
    assert!((clipped_too - clipped).abs() < 1e-7, "{clipped_too}, not {clipped}");
}

#[test]
fn a_step_past_what_f32_holds_is_skipped() {
    let batch = quadrants(16).batches(16).next().unwrap();
    let scaling = LossScaling::default().init_scale(2.0_f32.powi(126)).backoff_factor(1e-9);
    let options = TrainerOptions::batch(16).loss_scaling(scaling);
    let mut trainer = Trainer::<f64>::new(network(), CrossEntropy::sum(), Sgd::new(0.01), options).unwrap();
    let before = trainer.parameters().to_vec();
    trainer.step(&batch).unwrap();
    let control = trainer.update_control();
    assert_eq!((control.skip, control.skipped), (1, 1));
    assert_eq!(control.loss_scale, 2.0_f32.powi(126) * 1e-9);
    assert!(trainer.parameters() == before);
    trainer.step(&batch).unwrap();
    let control = trainer.update_control();
    assert_eq!((control.skip, control.skipped, control.growth_tracker), (0, 1, 1));
    assert!(trainer.parameters() != before);
}

#[test]
fn what_cannot_be_trained_is_an_error() {
    let new = |network, loss, optimizer, batch| -> Result<Trainer<f32>> {
        Trainer::new(network, loss, optimizer, batch)
    };
    let (loss, sgd) = (CrossEntropy::mean, || Sgd::new(0.1));
    assert_says(new(network(), loss(), sgd(), 0), "batch is 0; it must be at least 1");
    assert_says(
        new(network(), loss(), Sgd::new(-0.1), 8),
        "the learning rate is -0.1; it must be a number from 0",
    );
    let clipped = TrainerOptions::batch(8).clip_grad_norm(0.0);
    assert_says(
        Trainer::<f32>::new(network(), loss(), sgd(), clipped),
        "the largest gradient norm is 0; it must be a number more than 0",
    );
    assert_says(
        new(network(), loss().class_weights(vec![1.0; 3]), sgd(), 8),
        "network: its output [4] does not suit the loss cross_entropy: there are 3 class weights for a network \
         of 4 outputs; there must be one for each",
    );
    let add: Arc<dyn Operator> = Arc::new(Add);
    assert_says(
        new(Network::from_operator(add, &[Shape::features(4); 2]).unwrap(), loss(), sgd(), 8),
        "network: it has 2 inputs; a trainer feeds exactly one",
    );
}

#[test]
fn bad_batches_are_errors() {
    let mut trainer = trainer::<f32>(network(), 8);
    let mut step = |shape: &[usize], labels: &[i32]| -> Result<Metrics> {
        trainer.step(&Batch::new(Tensor::zeros(shape), labels.to_vec()))
    };
    let images = "images: expected shape [n, 1, 6, 6] with n from 1 to 8, got";
    assert_says(step(&[1, 1, 7, 6], &[0]), &format!("{images} [1, 1, 7, 6]"));
    assert_says(step(&[1, 6, 6], &[0]), &format!("{images} [1, 6, 6]"));
    assert_says(step(&[1, 1, 6, 6, 1], &[0]), &format!("{images} [1, 1, 6, 6, 1]"));
    assert_says(step(&[0, 1, 6, 6], &[]), &format!("{images} [0, 1, 6, 6]"));
    assert_says(step(&[9, 1, 6, 6], &[0; 9]), &format!("{images} [9, 1, 6, 6]"));
    assert_says(step(&[2, 1, 6, 6], &[0]), "labels: expected shape [2], one label for each image, got [1]");
    assert_says(
        step(&[2, 1, 6, 6], &[3, 4]),
        "label 4 of image 1 is not a class: the network has 4 outputs, so labels are 0 to 3",
    );
    assert_says(
        step(&[2, 1, 6, 6], &[-1, 0]),
        "label -1 of image 0 is not a class: the network has 4 outputs, so labels are 0 to 3",
    );
    assert!(step(&[3, 1, 6, 6], &[0, 1, 2]).is_ok());
    assert_says(
        trainer.step(&Batch::new(Tensor::zeros([2, 1, 6, 6]), Tensor::zeros([2, 4]))),
        "target: the loss cross_entropy takes class labels from 0 to 3, got values",
    );

    assert_says(
        trainer.predict(&Tensor::zeros([3, 2, 6, 6])),
        "images: expected shape [n, 1, 6, 6] with n from 1, got [3, 2, 6, 6]",
    );
    assert_says(
        trainer.evaluate(&quadrants(4).subset(0)),
        "data set: expected shape at least one image of [1, 6, 6], got [0, 1, 6, 6]",
    );
    let wide = Dataset::new([1, 6, 6], vec![0_u8; 72], vec![0, 4], 5).unwrap();
    assert_says(
        trainer.evaluate(&wide),
        "label 4 of image 1 is not a class: the network has 4 outputs, so labels are 0 to 3",
    );
}
