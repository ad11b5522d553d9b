//! The GPU's trainer takes the steps of the reference, and takes them twice the same.

use wgcnn::Tensor;
use wgcnn::data::Batch;
use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::CrossEntropy;
use wgcnn::reference;
use wgcnn::train::Trainer;

use crate::fixture::{BATCH, batch, contexts, images, network, optimizer, trainer, values};

/// How far losses and logits may be from the reference's, and parameters relative to the largest of their tensor.
/// A step's gradients are right to about 10⁻⁶; a few of such errors add up over twenty steps with momentum.
pub const TOLERANCE: f64 = 2e-5;

/// Twenty batches; every fifth is of five images only.
pub fn batches() -> Vec<Batch> {
    let epoch = |epoch| images(4 * BATCH + 5).shuffled(epoch).batches(BATCH).collect::<Vec<_>>();
    (0..4).flat_map(epoch).collect()
}

pub fn reference_trainer(network: Network) -> reference::Trainer<f64> {
    reference::Trainer::new(network, CrossEntropy::mean(), optimizer(), BATCH).unwrap()
}

/// Checks all parameters.
pub fn assert_close(got: &Network, wanted: &[Tensor<f64>]) {
    for (got, wanted) in got.parameters().iter().zip(wanted) {
        let largest = wanted.data().iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        for (i, (a, b)) in got.value.data().iter().zip(wanted.data()).enumerate() {
            let error = (f64::from(*a) - b).abs();
            assert!(error <= TOLERANCE * largest, "{}[{i}] is {a}, not {b}", got.name);
        }
    }
}

#[test]
fn twenty_steps_are_those_of_the_reference() {
    let mut reference = reference_trainer(network());
    reference.set_seed(9);
    let batches = batches();
    let wanted: Vec<_> = batches.iter().map(|batch| reference.step_exact(batch).unwrap()).collect();
    assert!(wanted[19].loss < 0.8 * wanted[0].loss, "there is something to follow");
    for context in contexts() {
        let mut trainer = trainer(context, network());
        trainer.set_seed(9);
        for (step, (batch, wanted)) in batches.iter().zip(&wanted).enumerate() {
            let got = trainer.step(batch).unwrap().wait().unwrap();
            let error = (f64::from(got.loss) - wanted.loss).abs();
            assert!(error <= TOLERANCE, "step {step}: loss {}, not {}", got.loss, wanted.loss);
            assert_eq!((got.correct, got.count), (Some(wanted.correct), wanted.count), "step {step}");
        }
        assert_close(&trainer.network().unwrap(), reference.parameters());
    }
}

/// The losses to the bit, and the parameters, after twenty steps of which nothing was waited for.
fn run(context: &Context, seed: u64) -> (Vec<u32>, Vec<Tensor>) {
    let mut trainer = trainer(context, network());
    trainer.set_seed(seed);
    let pending: Vec<_> = batches().iter().map(|batch| trainer.step(batch).unwrap()).collect();
    let losses = pending.into_iter().map(|pending| pending.wait().unwrap().loss.to_bits()).collect();
    (losses, values(&trainer.network().unwrap()))
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    for context in contexts() {
        let first = run(context, 1);
        assert_eq!(run(context, 1), first);
        assert_ne!(run(context, 2), first);
    }
}

#[test]
fn a_rate_that_changes_is_followed() {
    let context = &contexts()[0];
    let (mut trainer, mut reference) = (trainer(context, network()), reference_trainer(network()));
    for (step, rate) in [0.05, 0.0, 0.01].into_iter().enumerate() {
        let before = values(&trainer.network().unwrap());
        trainer.set_learning_rate(rate).unwrap();
        reference.set_learning_rate(rate).unwrap();
        trainer.step(&batch(BATCH)).unwrap();
        reference.step(&batch(BATCH)).unwrap();
        assert_eq!(values(&trainer.network().unwrap()) == before, rate == 0.0, "step {step}");
    }
    assert_close(&trainer.network().unwrap(), reference.parameters());
}

/// Room for images that are not there changes nothing.
#[test]
fn a_batch_need_not_be_full() {
    for context in contexts() {
        let run = |room| {
            let mut trainer =
                Trainer::new(context, network(), CrossEntropy::mean(), optimizer(), room).unwrap();
            // A full batch first, so that what it left behind would be seen.
            trainer.set_learning_rate(0.0).unwrap();
            trainer.step(&batch(room)).unwrap();
            trainer.set_learning_rate(0.02).unwrap();
            let metrics = trainer.step(&batch(5)).unwrap().wait().unwrap();
            (metrics, trainer.network().unwrap())
        };
        let mut reference = reference_trainer(network());
        reference.set_learning_rate(0.0).unwrap();
        reference.step(&batch(5)).unwrap();
        reference.set_learning_rate(0.02).unwrap();
        let measured = reference.step(&batch(5)).unwrap();
        assert_eq!(measured.count, 5);
        let (tight, _) = run(5);
        let (loose, _) = run(BATCH);
        assert!((tight.loss - loose.loss).abs() < 1e-5 && tight.count == 5 && loose.count == 5);
        assert!((loose.loss - measured.loss).abs() < 1e-5, "{loose}, not {measured}");
    }
}

#[test]
fn evaluation_and_prediction_are_those_of_the_reference() {
    let data = images(2 * BATCH + 7);
    let reference = reference_trainer(network());
    let wanted = reference.evaluate(&data).unwrap();
    let images = data.batches(data.len()).next().unwrap().images;
    let logits = reference.predict(&images).unwrap();
    for context in contexts() {
        let mut trainer = trainer(context, network());
        for _ in 0..2 {
            let got = trainer.evaluate(&data).unwrap();
            assert!(f64::from(got.loss - wanted.loss).abs() < TOLERANCE, "{got}, not {wanted}");
            assert_eq!((got.correct, got.count), (wanted.correct, wanted.count));
            let predicted = trainer.predict(&images).unwrap();
            assert_eq!(predicted.shape(), [data.len(), 4, 1, 1]);
            for (got, wanted) in predicted.data().iter().zip(logits.data()) {
                assert!(f64::from(got - wanted).abs() < TOLERANCE, "logit {got}, not {wanted}");
            }
        }
        // Neither disturbs a training step, whose memory they share.
        let undisturbed = self::trainer(context, network()).step(&batch(BATCH)).unwrap().wait().unwrap();
        assert_eq!(trainer.step(&batch(BATCH)).unwrap().wait().unwrap(), undisturbed);
    }
}
