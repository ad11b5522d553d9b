//! Mistakes and broken devices are errors, and none of them harms what was trained.

use wgcnn::data::{Batch, Dataset, Targets};
use wgcnn::gpu::Context;
use wgcnn::ops::{BceWithLogits, CrossEntropy, Mse, Sgd, Target};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};
use wgcnn::train::Trainer;
use wgcnn::{Error, Result, Tensor};

use crate::fixture::{BATCH, batch, contexts, images, network, trainer, values};

pub fn assert_says<T>(result: Result<T>, wanted: &str) {
    let message = result.err().expect("an error").to_string();
    assert_eq!(message, wanted);
}

#[test]
fn a_trainer_goes_on_after_bad_batches() {
    let context = &contexts()[0];
    let mut trainer = trainer(context, network());
    let mut step =
        |shape: &[usize], labels: &[i32]| trainer.step(&Batch::new(Tensor::zeros(shape), labels.to_vec()));
    let images = "images: expected shape [n, 1, 12, 12] with n from 1 to 16, got";
    assert_says(step(&[1, 1, 13, 12], &[0]), &format!("{images} [1, 1, 13, 12]"));
    assert_says(step(&[1, 3, 12, 12], &[0]), &format!("{images} [1, 3, 12, 12]"));
    assert_says(step(&[0, 1, 12, 12], &[]), &format!("{images} [0, 1, 12, 12]"));
    assert_says(step(&[17, 1, 12, 12], &[0; 17]), &format!("{images} [17, 1, 12, 12]"));
    let labels = "labels: expected shape [2], one label for each image, got";
    assert_says(step(&[2, 1, 12, 12], &[0; 3]), &format!("{labels} [3]"));
    assert_says(step(&[2, 1, 12, 12], &[0]), &format!("{labels} [1]"));
    let range = "is not a class: the network has 4 outputs, so labels are 0 to 3";
    assert_says(step(&[2, 1, 12, 12], &[3, 4]), &format!("label 4 of image 1 {range}"));
    assert_says(step(&[2, 1, 12, 12], &[-1, 0]), &format!("label -1 of image 0 {range}"));
    assert_says(
        trainer.step(&Batch::new(Tensor::zeros([2, 1, 12, 12]), Tensor::zeros([2, 4]))),
        "target: the loss cross_entropy takes class labels from 0 to 3, got values",
    );
    assert_says(
        trainer.predict(&Tensor::zeros([1, 1, 12, 11])),
        "images: expected shape [n, 1, 12, 12] with n from 1, got [1, 1, 12, 11]",
    );
    assert_says(
        trainer.evaluate(&self::images(4).subset(0)),
        "data set: expected shape at least one image of [1, 12, 12], got [0, 1, 12, 12]",
    );
    let wide = Dataset::new([1, 12, 12], vec![0_u8; 288], vec![0, 4], 5).unwrap();
    assert_says(trainer.evaluate(&wide), &format!("label 4 of image 1 {range}"));

    // As if nothing had been.
    let undisturbed = self::trainer(context, network()).step(&batch(BATCH)).unwrap().wait().unwrap();
    assert_eq!(trainer.step(&batch(BATCH)).unwrap().wait().unwrap(), undisturbed);
}

#[test]
fn a_trainer_that_cannot_be_is_an_error() {
    let new = |loss, optimizer, batch| Trainer::new(&contexts()[0], network(), loss, optimizer, batch);
    let (loss, sgd) = (CrossEntropy::mean, || Sgd::new(0.1));
    assert_says(new(loss(), sgd(), 0), "batch is 0; it must be at least 1");
    assert_says(new(loss(), Sgd::new(-0.1), 8), "the learning rate is -0.1; it must be a number from 0");
    let mut trainer = new(loss(), sgd(), 8).unwrap();
    assert_says(trainer.set_learning_rate(f32::NAN), "the learning rate is NaN; it must be a number from 0");
    assert_says(trainer.set_learning_rate(-1.0), "the learning rate is -1; it must be a number from 0");
    trainer.set_learning_rate(0.0).unwrap();
    assert_says(
        new(loss().class_weights(vec![1.0; 3]), sgd(), 8),
        "network: its output [4] does not suit the loss cross_entropy: there are 3 class weights for a network \
         of 4 outputs; there must be one for each",
    );
}

#[test]
fn a_batch_past_the_devices_limits_is_an_error() {
    for batch in [1 << 24, 1 << 40, usize::MAX] {
        match Trainer::new(&contexts()[0], network(), CrossEntropy::mean(), Sgd::new(0.1), batch) {
            Err(Error::Limit { what, needed, limit, .. }) => {
                assert!(!what.is_empty() && needed > limit, "{what}: {needed}, {limit}");
            }
            other => panic!("expected a limit, got {other:?}"),
        }
    }
}

/// Batches that a loss of values does not take.
#[test]
fn values_that_do_not_suit_the_loss_are_errors() {
    let context = &contexts()[0];
    let mut trainer = Trainer::new(context, network(), BceWithLogits::mean(), Sgd::new(0.1), BATCH).unwrap();
    let mut step = |targets: Targets| trainer.step(&Batch::new(Tensor::zeros([2, 1, 12, 12]), targets));
    let kind = "target: the loss bce_with_logits takes values of shape [4] for each image, got class labels";
    assert_says(step(vec![0, 1].into()), kind);
    let shape = "targets: expected shape [2, 4], got";
    assert_says(step(Tensor::zeros([2, 5]).into()), &format!("{shape} [2, 5]"));
    assert_says(step(Tensor::zeros([3, 4]).into()), &format!("{shape} [3, 4]"));
    assert_says(step(Tensor::zeros([8]).into()), &format!("{shape} [8]"));
    assert_says(step(Tensor::zeros([2, 4, 1, 1, 1]).into()), &format!("{shape} [2, 4, 1, 1, 1]"));
    let range = "target: the loss bce_with_logits takes values from 0 to 1, got";
    let with = |value| Tensor::new([2, 4], vec![0.0, 1.0, 0.5, 0.0, 0.0, value, 0.0, 0.0]).unwrap();
    assert_says(step(with(255.0).into()), &format!("{range} 255 in image 1"));
    assert_says(step(with(f32::NAN).into()), &format!("{range} NaN in image 1"));
    assert!(step(with(1.0).reshape([2, 4, 1, 1]).unwrap().into()).is_ok());

    assert_says(trainer.evaluate(&images(3)), kind);
    let dataset = |values| Dataset::with_values([1, 12, 12], vec![0_u8; 288], values).unwrap();
    assert_says(trainer.evaluate(&dataset(Tensor::zeros([2, 3]))), &format!("{shape} [2, 3]"));
    assert_says(trainer.evaluate(&dataset(with(-1.0)).hold_out(2).1), &format!("{range} -1 in image 0"));
    assert_eq!(trainer.evaluate(&dataset(with(0.25))).unwrap().count, 8);
}

#[test]
fn a_plan_takes_the_kind_of_target_that_its_loss_does() {
    let context = &contexts()[0];
    let loss = Mse::mean();
    let options = PlanOptions::evaluation(2, &loss);
    let plan = Plan::new(&network(), &options, context.capabilities()).unwrap();
    let parameters = DeviceParameters::upload(context, &network()).unwrap();
    let execution = Execution::new(context, plan, &parameters, None).unwrap();
    assert_says(
        execution.write_target(Target::Classes(&[0, 1])),
        "target: the loss mse takes values of shape [4] for each image, got class labels",
    );
    assert_says(
        execution.write_target(Target::Values(&[0.0; 9])),
        "target: expected shape at most 8 elements, got [9]",
    );
    assert!(execution.write_target(Target::Values(&[0.0; 4])).is_ok());
}

/// Part of an image would pass for one whose rest is black.
#[test]
fn an_execution_takes_whole_samples() {
    let context = &contexts()[0];
    let plan = Plan::new(&network(), &PlanOptions::gradients(2), context.capabilities()).unwrap();
    let parameters = DeviceParameters::upload(context, &network()).unwrap();
    let execution = Execution::new(context, plan, &parameters, None).unwrap();
    for elements in [143, 145, 3 * 144] {
        let wanted = format!(
            "input 0: expected shape [n, 1, 12, 12] with n to 2, n times 144 elements in a row, got [{elements}]"
        );
        assert_says(execution.write_input(0, &vec![0.0; elements]), &wanted);
    }
    assert_says(execution.write_input(1, &[0.0; 144]), "network: this plan has no input 1");
    let wanted = "grad_output: expected shape [n, 4, 1, 1] with n to 2, n times 4 elements in a row, got [5]";
    assert_says(execution.write_grad_output(&[0.0; 5]), wanted);
    for samples in 0..=2 {
        execution.write_input(0, &vec![0.0; samples * 144]).unwrap();
        execution.write_grad_output(&vec![0.0; samples * 4]).unwrap();
    }
}

fn lost(result: Result<()>) {
    assert!(matches!(result, Err(Error::DeviceLost(_))), "expected a lost device, got {result:?}");
}

#[test]
fn a_lost_device_is_an_error_and_what_was_read_back_stays() {
    let context = Context::new().unwrap();
    let mut trainer = trainer(&context, network());
    trainer.step(&batch(BATCH)).unwrap().wait().unwrap();
    let pending = trainer.step(&batch(BATCH)).unwrap();
    let before = trainer.network().unwrap();
    // An error that reached no scope is not what is said of the device from then on.
    let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::STORAGE;
    let refused = wgpu::BufferDescriptor { label: None, size: 16, usage, mapped_at_creation: false };
    let _ = context.device().create_buffer(&refused);
    context.device().destroy();
    // A step that was done before the loss may still be read.
    let _ = pending.wait();
    lost(trainer.step(&batch(BATCH)).map(|_| ()));
    lost(trainer.step(&batch(BATCH)).map(|_| ()));
    lost(trainer.evaluate(&images(8)).map(|_| ()));
    lost(trainer.predict(&batch(2).images).map(|_| ()));
    lost(trainer.network().map(|_| ()));
    lost(Trainer::new(&context, network(), CrossEntropy::mean(), Sgd::new(0.1), 4).map(|_| ()));

    // Another device goes on from there.
    let mut again = self::trainer(&contexts()[0], before.clone());
    assert_eq!(values(&again.network().unwrap()), values(&before));
    again.step(&batch(BATCH)).unwrap().wait().unwrap();
}

#[test]
fn an_adapter_that_is_not_there_is_an_error() {
    match Context::builder().adapter_name("no such adapter").build() {
        Err(Error::AdapterNotFound { wanted, available }) => {
            assert!(wanted == "no such adapter" && !available.is_empty());
        }
        other => panic!("expected an error, got {other:?}"),
    }
}
