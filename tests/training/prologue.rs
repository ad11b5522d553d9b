//! What depends only on the parameters is done when they have changed, and not in every pass.

use wgcnn::Tensor;
use wgcnn::gpu::{Capabilities, Context};
use wgcnn::network::Network;
use wgcnn::ops::{Conv2d, CrossEntropy, StepState};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions, Role};

use crate::fixture::{BATCH, batch, contexts, optimizer};

/// A network whose normalisations are folded into the layers before them outside training.
fn normalised() -> Network {
    Network::builder([1, 12, 12])
        .conv2d("conv1", Conv2d::new(6, 3).same().bias(false))
        .batch_norm("norm1")
        .relu()
        .max_pool2d(2)
        .conv2d("conv2", Conv2d::new(8, 3).same())
        .batch_norm("norm2")
        .relu()
        .flatten()
        .linear("fc", 4)
        .build()
        .unwrap()
}

/// The kernels of a plan's prologue.
fn prologue(network: &Network, options: &PlanOptions<'_>) -> Vec<&'static str> {
    let plan = Plan::new(network, options, &Capabilities::webgpu()).unwrap();
    let first = &plan.program().dispatches[..plan.prologue()];
    first.iter().map(|dispatch| dispatch.kernel.name).collect()
}

#[test]
fn folding_comes_before_all_passes() {
    let network = normalised();
    // A kernel may rearrange the folded weight after that.
    let kernels = prologue(&network, &PlanOptions::inference(2));
    let folded = kernels.iter().filter(|kernel| **kernel == "batch_norm/fold").count();
    assert_eq!(folded, 2, "{kernels:?}");
    let plan = Plan::new(&network, &PlanOptions::inference(2), &Capabilities::webgpu()).unwrap();
    let said = format!("the first {} run only when the parameters have changed", kernels.len());
    assert!(plan.to_string().contains(&said), "{plan}");
    assert!(plan.buffers().iter().any(|buffer| buffer.role == Role::Prepared), "{plan}");
    let first: u64 = plan.program().dispatches[..plan.prologue()].iter().map(|dispatch| dispatch.flops).sum();
    let all: u64 = plan.program().dispatches.iter().map(|dispatch| dispatch.flops).sum();
    assert_eq!(plan.flops(), all - first);
}

#[test]
fn so_does_the_turning_round_of_weights() {
    let options = PlanOptions { input_gradients: true, ..PlanOptions::inference(2) };
    let kernels = prologue(&normalised(), &options);
    let turned = kernels.iter().filter(|kernel| **kernel == "common/transpose_weight").count();
    assert_eq!(turned, 3, "{kernels:?}");
}

#[test]
fn a_pass_that_changes_parameters_has_no_prologue_of_them() {
    let (network, loss, optimizer) = (normalised(), CrossEntropy::mean(), optimizer());
    assert!(prologue(&network, &PlanOptions::training(2, &loss, &optimizer)).is_empty());
    assert!(prologue(&network, &PlanOptions::gradients(2)).is_empty());
    // The running statistics change, the weights do not.
    let training = PlanOptions { training: true, ..PlanOptions::inference(2) };
    let kernels = prologue(&network, &training);
    assert!(!kernels.iter().any(|kernel| kernel.starts_with("batch_norm")), "{kernels:?}");
}

fn execution(context: &Context, parameters: &DeviceParameters, options: &PlanOptions<'_>) -> Execution {
    let plan = Plan::new(&normalised(), options, context.capabilities()).unwrap();
    Execution::new(context, plan, parameters, None).unwrap()
}

fn predict(execution: &Execution, images: &Tensor) -> Vec<f32> {
    execution.write_input(0, images.data()).unwrap();
    execution.write_step(StepState::new(0, 0, BATCH, 0.0)).unwrap();
    execution.run().unwrap();
    execution.read_output().unwrap().wait().unwrap()
}

#[test]
fn inference_beside_training_sees_the_parameters_of_now() {
    let (loss, optimizer) = (CrossEntropy::mean(), optimizer());
    let batch = batch(BATCH);
    for context in contexts() {
        let parameters = DeviceParameters::upload(context, &normalised()).unwrap();
        let inference = execution(context, &parameters, &PlanOptions::inference(BATCH));
        let training = execution(context, &parameters, &PlanOptions::training(BATCH, &loss, &optimizer));
        assert!(!inference.is_prepared());
        let mut before = predict(&inference, &batch.images);
        for step in 0..3 {
            assert!(inference.is_prepared());
            assert_eq!(predict(&inference, &batch.images), before, "without a prologue");
            training.write_input(0, batch.images.data()).unwrap();
            training.write_target(batch.targets.as_target()).unwrap();
            training.write_step(StepState::new(0, step, BATCH, 0.1)).unwrap();
            training.run().unwrap();
            assert!(!inference.is_prepared());
            let got = predict(&inference, &batch.images);
            let copy = parameters.download(context, &normalised()).unwrap();
            let fresh = DeviceParameters::upload(context, &copy).unwrap();
            let wanted = predict(&execution(context, &fresh, &PlanOptions::inference(BATCH)), &batch.images);
            assert_eq!(got, wanted);
            assert_ne!(got, before);
            before = got;
        }
    }
}

#[test]
fn an_encoder_that_is_dropped_prepares_nothing() {
    let context = &contexts()[1];
    let parameters = DeviceParameters::upload(context, &normalised()).unwrap();
    let [inference, other] =
        [(); 2].map(|()| execution(context, &parameters, &PlanOptions::inference(BATCH)));
    let images = batch(BATCH).images;
    inference.encode(&mut context.device().create_command_encoder(&Default::default()));
    context.poll().unwrap();
    assert!(!inference.is_prepared());
    assert_eq!(predict(&inference, &images), predict(&other, &images));
    assert!(inference.is_prepared());
}

/// An application's frame may be refused for what else is in it; wgpu calls back as if it had been done.
#[test]
fn an_encoder_that_is_refused_prepares_nothing() {
    let context = &contexts()[1];
    let parameters = DeviceParameters::upload(context, &normalised()).unwrap();
    let [inference, other] =
        [(); 2].map(|()| execution(context, &parameters, &PlanOptions::inference(BATCH)));
    let images = batch(BATCH).images;
    let device = context.device();
    let usage = wgpu::BufferUsages::COPY_SRC;
    let descriptor = wgpu::BufferDescriptor { label: None, size: 4, usage, mapped_at_creation: false };
    let [from, to] = [(); 2].map(|()| device.create_buffer(&descriptor));
    let mut encoder = device.create_command_encoder(&Default::default());
    inference.encode(&mut encoder);
    encoder.copy_buffer_to_buffer(&from, 0, &to, 0, 4);
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    context.queue().submit([encoder.finish()]);
    assert!(pollster::block_on(scope.pop()).is_some(), "the copy's target cannot be written");
    // Whoever calls back has done so then.
    device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    assert!(!inference.is_prepared());
    assert_eq!(predict(&inference, &images), predict(&other, &images));
    assert!(inference.is_prepared());
}
