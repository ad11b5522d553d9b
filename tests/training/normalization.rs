//! Layers with statistics: what a training step leaves behind in them, and what evaluation makes of it.

use wgcnn::Tensor;
use wgcnn::gpu::{Capabilities, Context};
use wgcnn::network::Network;
use wgcnn::ops::{Conv2d, CrossEntropy, Linear};
use wgcnn::reference;
use wgcnn::schedule::{Plan, PlanOptions};
use wgcnn::train::Trainer;

use crate::agreement::{TOLERANCE, assert_close, batches, reference_trainer};
use crate::errors::assert_says;
use crate::fixture::{BATCH, batch, contexts, images, optimizer, trainer, values};

/// Statistics over images and over features, of the batch and of groups. No bias comes before those of the batch: its
/// gradient would be nothing but rounding.
fn network() -> Network {
    Network::builder([1, 12, 12])
        .seed(3)
        .conv2d("conv1", Conv2d::new(6, 5).stride(2).same().bias(false))
        .batch_norm("norm1")
        .relu()
        .conv2d("conv2", Conv2d::new(10, 3).stride(2).bias(false))
        .group_norm("norm2", 2)
        .relu()
        .flatten()
        .linear("fc1", Linear::new(17).bias(false))
        .batch_norm("norm3")
        .tanh()
        .linear("fc2", 4)
        .build()
        .unwrap()
}

fn names(network: &Network, buffers: bool) -> Vec<&str> {
    let wanted = network.parameters().iter().filter(|p| p.spec.buffer == buffers);
    wanted.map(|p| p.name.as_str()).collect()
}

/// Trains on both, partial batches among the rest, and compares losses.
fn train_both(context: &Context, network: Network) -> (Trainer, reference::Trainer<f64>) {
    let (mut trainer, mut reference) = (trainer(context, network.clone()), reference_trainer(network));
    for (step, batch) in batches().iter().take(12).enumerate() {
        let (got, wanted) =
            (trainer.step(batch).unwrap().wait().unwrap(), reference.step_exact(batch).unwrap());
        let error = (f64::from(got.loss) - wanted.loss).abs();
        assert!(error <= TOLERANCE, "step {step}: loss {}, not {}", got.loss, wanted.loss);
    }
    (trainer, reference)
}

#[test]
fn steps_and_evaluation_are_those_of_the_reference() {
    let data = images(2 * BATCH + 7);
    let batch = data.batches(data.len()).next().unwrap();
    for context in contexts() {
        let (mut trainer, reference) = train_both(context, network());
        let trained = trainer.network().unwrap();
        assert_close(&trained, reference.parameters());
        for buffer in names(&trained, true) {
            let (before, after) = (network(), &trained);
            assert_ne!(before.parameter(buffer).unwrap().value, after.parameter(buffer).unwrap().value);
        }
        // By the running statistics: how images are put together in batches does not matter.
        let (got, wanted) = (trainer.evaluate(&data).unwrap(), reference.evaluate(&data).unwrap());
        assert!(f64::from(got.loss - wanted.loss).abs() < TOLERANCE, "{got}, not {wanted}");
        let logits = reference.predict(&batch.images).unwrap();
        let predicted = trainer.predict(&batch.images).unwrap();
        for (got, wanted) in predicted.data().iter().zip(logits.data()) {
            assert!(f64::from(got - wanted).abs() < 2.0 * TOLERANCE, "logit {got}, not {wanted}");
        }
        let one = Tensor::new([1, 1, 12, 12], batch.images.data()[..144].to_vec()).unwrap();
        assert_eq!(trainer.predict(&one).unwrap().data(), &predicted.data()[..4]);
    }
}

/// What is saved is what was trained, the running statistics included.
#[test]
fn statistics_are_saved_and_loaded() {
    let context = &contexts()[0];
    let mut trainer = trainer(context, network());
    batches().iter().take(3).for_each(|batch| drop(trainer.step(batch).unwrap()));
    let trained = trainer.network().unwrap();
    let mut loaded = network();
    loaded.load_bytes(&trained.to_bytes().unwrap()).unwrap();
    assert_eq!(values(&loaded), values(&trained));
    let images = batch(5).images;
    let mut again = self::trainer(context, loaded);
    assert_eq!(again.predict(&images).unwrap(), trainer.predict(&images).unwrap());
}

/// Room for images that are not there changes nothing: not the statistics, and through them not the step.
#[test]
fn a_batch_need_not_be_full() {
    for context in contexts() {
        let step = |room| {
            let mut trainer =
                Trainer::new(context, network(), CrossEntropy::mean(), optimizer(), room).unwrap();
            let loss = trainer.step(&batch(5)).unwrap().wait().unwrap().loss;
            (loss, trainer.network().unwrap())
        };
        let ((tight, small), (loose, large)) = (step(5), step(BATCH));
        assert!((tight - loose).abs() < 1e-6, "{tight} and {loose}");
        let small: Vec<_> = values(&small).iter().map(|value| value.map(f64::from)).collect();
        assert_close(&large, &small);
    }
}

#[test]
fn the_same_bits_twice() {
    for context in contexts() {
        let run = || {
            let mut trainer = trainer(context, network());
            batches().iter().take(4).for_each(|batch| drop(trainer.step(batch).unwrap()));
            values(&trainer.network().unwrap())
        };
        assert_eq!(run(), run());
    }
}

/// A frozen layer keeps weight and bias; its statistics follow the images all the same. Neither freezing nor the
/// reverse makes a buffer trainable.
#[test]
fn freezing_spares_the_buffers() {
    let mut network = network();
    network.freeze("norm1").unwrap();
    network.freeze("norm3").unwrap();
    network.unfreeze("norm3").unwrap();
    let trainable: Vec<_> = network.parameters().iter().filter(|p| p.trainable).collect();
    assert!(trainable.iter().all(|p| !p.spec.buffer && !p.name.starts_with("norm1")));
    assert!(trainable.iter().any(|p| p.name == "norm3.weight"));
    for context in contexts() {
        let (trainer, reference) = train_both(context, network.clone());
        let trained = trainer.network().unwrap();
        assert_close(&trained, reference.parameters());
        for (before, after) in network.parameters().iter().zip(trained.parameters()) {
            let changes = before.trainable || before.spec.buffer;
            assert_eq!(before.value != after.value, changes, "{}", before.name);
        }
    }
}

#[test]
fn nothing_is_planned_for_buffers_or_below_frozen_layers() {
    let mut network = network();
    for layer in ["conv1", "norm1", "conv2"] {
        network.freeze(layer).unwrap();
    }
    let (loss, optimizer) = (CrossEntropy::mean(), optimizer());
    let kernels = |options: &PlanOptions<'_>| -> Vec<(String, &'static str)> {
        let plan = Plan::new(&network, options, &Capabilities::webgpu()).unwrap();
        let dispatches = &plan.program().dispatches;
        dispatches.iter().map(|d| (d.layer.clone(), d.kernel.name)).collect()
    };
    let of = |kernels: &[(String, &'static str)], layer: &str| -> Vec<&'static str> {
        kernels.iter().filter(|(of, _)| of == layer).map(|(_, kernel)| *kernel).collect()
    };
    let step = kernels(&PlanOptions::training(BATCH, &loss, &optimizer));
    assert_eq!(
        of(&step, "norm1"),
        ["common/channel_moments", "batch_norm/statistics", "common/normalize"],
        "it is not differentiated"
    );
    assert!(!of(&step, "norm2").contains(&"common/normalize_backward_input"), "{step:?}");
    assert!(of(&step, "norm2").contains(&"common/normalize_backward_weight"), "{step:?}");
    let inference = kernels(&PlanOptions::inference(BATCH));
    assert_eq!(of(&inference, "norm1"), ["batch_norm/fold"], "it is part of the layer before");
}

#[test]
fn a_step_of_one_image_is_an_error() {
    let wanted = "layer \"norm3\" (batch_norm): a channel has 1 x 1 (samples x pixels) values in a training step; its \
                  variance takes at least 2: more samples a step would do (input [17])";
    let context = &contexts()[0];
    let mut trainer = trainer(context, network());
    assert_says(trainer.step(&batch(1)), wanted);
    assert_says(reference_trainer(network()).step(&batch(1)), wanted);
    assert_says(Trainer::new(context, network(), CrossEntropy::mean(), optimizer(), 1), wanted);
    // As if nothing had been; and evaluation takes a single image.
    let undisturbed = self::trainer(context, network()).step(&batch(BATCH)).unwrap().wait().unwrap();
    assert_eq!(trainer.step(&batch(BATCH)).unwrap().wait().unwrap(), undisturbed);
    assert_eq!(trainer.evaluate(&images(1)).unwrap().count, 1);
}
