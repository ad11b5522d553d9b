//! Mixed-precision training: activations in half precision.

use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::{Conv2d, CrossEntropy, LossScaling, Sgd, StepState, UpdateOptions};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};
use wgcnn::train::{Trainer, TrainerOptions};

use crate::fixture::{contexts, images};

const BATCH: usize = 16;

fn network() -> Network {
    Network::builder([1, 12, 12])
        .conv2d("conv1", Conv2d::new(8, 3).same())
        .batch_norm("norm1")
        .relu()
        .residual(|branch| branch.conv2d("conv2", Conv2d::new(8, 3).same()).silu())
        .max_pool2d(2)
        .dropout(0.1)
        .flatten()
        .linear("fc", 4)
        .build()
        .unwrap()
}

/// The losses of some epochs over a few images, and the trainer after them.
fn train(context: &Context, options: TrainerOptions) -> (Vec<f32>, Trainer) {
    let optimizer = Sgd::new(0.05).momentum(0.9);
    let mut trainer = Trainer::new(context, network(), CrossEntropy::mean(), optimizer, options).unwrap();
    let data = images(48);
    let mut losses = vec![];
    for epoch in 0..6 {
        for batch in data.shuffled(epoch).batches(BATCH) {
            losses.push(trainer.step(&batch).unwrap().wait().unwrap().loss);
        }
    }
    (losses, trainer)
}

#[test]
fn training_in_half_precision_follows_training_in_f32() {
    for context in contexts() {
        let (full, _) = train(context, TrainerOptions::batch(BATCH));
        let (half, mut trainer) = train(context, TrainerOptions::batch(BATCH).half());
        assert!(full.last() < full.first(), "it learns: {full:?}");
        for (step, (half, full)) in half.iter().zip(&full).enumerate() {
            assert!((half - full).abs() < 0.02 + 0.05 * full, "step {step}: {half}, not {full}");
        }
        let control = trainer.update_control().unwrap().wait().unwrap();
        assert_eq!((control.skipped, control.loss_scale), (0, 65_536.0));
        // The same parameters, evaluated in half precision and in f32.
        let metrics = trainer.evaluate(&images(48)).unwrap();
        let mut other =
            Trainer::new(context, trainer.network().unwrap(), CrossEntropy::mean(), Sgd::new(0.1), BATCH)
                .unwrap();
        let wanted = other.evaluate(&images(48)).unwrap();
        assert!((metrics.loss - wanted.loss).abs() < 0.01 * wanted.loss, "{metrics}, not {wanted}");
    }
}

#[test]
fn activations_take_half_the_memory() {
    let (loss, optimizer) = (CrossEntropy::mean(), Sgd::new(0.1));
    // Deep enough for what the layers keep to be more than what one of them computes with.
    let deep = (0..8).fold(Network::builder([1, 12, 12]), |network, i| {
        network.conv2d(format!("conv{i}"), Conv2d::new(8, 3).same()).silu()
    });
    let deep = deep.flatten().linear("fc", 4).build().unwrap();
    let peak = |half: bool| {
        let options = PlanOptions { half, ..PlanOptions::training(64, &loss, &optimizer) };
        Plan::new(&deep, &options, contexts()[0].capabilities()).unwrap().peak_bytes() as f64
    };
    let (half, full) = (peak(true), peak(false));
    // Parameters, the optimizer's state, partial sums and what the host brings stay as they are.
    assert!(half < 0.65 * full, "{half} bytes of {full}");
}

/// What cannot be held is seen, the step is skipped, and the scale comes down until it can.
#[test]
fn an_overflow_of_half_precision_is_found() {
    let scaling = LossScaling::default().init_scale(2f32.powi(26));
    let options = TrainerOptions::batch(BATCH).half().loss_scaling(scaling);
    let (losses, trainer) = train(&contexts()[0], options);
    let control = trainer.update_control().unwrap().wait().unwrap();
    assert!(control.skipped > 0 && control.loss_scale < 2f32.powi(26), "{control:?}");
    assert!(losses.iter().all(|loss| loss.is_finite()) && losses.last() < losses.first(), "{losses:?}");
}

/// A gradient to the output that the host provides is scaled before it is stored, like that of a loss.
#[test]
fn a_gradient_from_the_host_is_scaled() {
    let context = &contexts()[0];
    let network = Network::builder(3).linear("fc", 2).build().unwrap();
    let optimizer = Sgd::new(1.0);
    let update = UpdateOptions { loss_scaling: Some(LossScaling::default()), ..UpdateOptions::default() };
    let updated = |half: bool| {
        let options = PlanOptions { half, update, optimizer: Some(&optimizer), ..PlanOptions::inference(1) };
        let plan = Plan::new(&network, &options, context.capabilities()).unwrap();
        let parameters = DeviceParameters::upload(context, &network).unwrap();
        let execution = Execution::new(context, plan, &parameters, None).unwrap();
        execution.write_input(0, &[1.0, 0.5, -0.25]).unwrap();
        // Without scaling the first would be less than f16 can hold.
        execution.write_grad_output(&[2f32.powi(-26), 0.5]).unwrap();
        execution.write_step(StepState::new(0, 0, 1, 1.0)).unwrap();
        execution.run().unwrap();
        parameters.download(context, &network).unwrap().parameters()[1].value.clone()
    };
    let bias = updated(true);
    assert_eq!(bias, updated(false));
    assert_eq!(bias.data(), [-(2f32.powi(-26)), -0.5]);
}
