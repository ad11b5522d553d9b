//! Inside an application: on its device, in its encoder.

use wgcnn::gpu::Context;
use wgcnn::ops::StepState;
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};

use crate::fixture::{BATCH, batch, contexts, network, trainer};

/// A device with WebGPU's default limits and no optional feature, as an application may have opened it.
fn applications_device() -> (wgpu::Adapter, wgpu::Device, wgpu::Queue) {
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle().with_env();
    let instance = wgpu::Instance::new(descriptor);
    let adapter = pollster::block_on(instance.request_adapter(&Default::default())).unwrap();
    let (device, queue) = pollster::block_on(adapter.request_device(&Default::default())).unwrap();
    (adapter, device, queue)
}

#[test]
fn training_works_on_the_applications_device() {
    let (adapter, device, queue) = applications_device();
    let context = Context::from_device(&adapter, device, queue);
    let mut embedded = trainer(&context, network());
    let mut own = trainer(&contexts()[1], network());
    let [embedded, own] = [&mut embedded, &mut own].map(|trainer| {
        trainer.step(&batch(BATCH)).unwrap();
        trainer.step(&batch(BATCH)).unwrap().wait().unwrap()
    });
    assert!((embedded.loss - own.loss).abs() < 1e-5, "{embedded}, not {own}");
}

#[test]
fn a_pass_goes_into_somebody_elses_encoder() {
    let (adapter, device, queue) = applications_device();
    let context = Context::from_device(&adapter, device.clone(), queue.clone());
    let network = network();
    let plan = Plan::new(&network, &PlanOptions::inference(2), context.capabilities()).unwrap();
    let parameters = DeviceParameters::upload(&context, &network).unwrap();
    let execution = Execution::new(&context, plan, &parameters, None).unwrap();
    let images = batch(2).images;
    execution.write_input(0, images.data()).unwrap();
    execution.write_step(StepState::new(0, 0, 2, 0.0)).unwrap();

    let mut encoder = device.create_command_encoder(&Default::default());
    encoder.push_debug_group("the application's frame");
    execution.encode(&mut encoder);
    encoder.pop_debug_group();
    queue.submit([encoder.finish()]);

    let got = execution.read_output().unwrap().wait().unwrap();
    let wanted = trainer(&contexts()[1], network).predict(&images).unwrap();
    assert_eq!(got.len(), wanted.len());
    assert!(got.iter().zip(wanted.data()).all(|(a, b)| (a - b).abs() < 1e-5), "{got:?}, not {wanted:?}");
}

/// Its handlers are its own, so that it may hear of the loss before we do; but we hear of it.
#[test]
fn a_device_that_the_application_lost_is_an_error() {
    let (adapter, device, queue) = applications_device();
    let context = Context::from_device(&adapter, device.clone(), queue);
    let mut trainer = trainer(&context, network());
    trainer.step(&batch(BATCH)).unwrap().wait().unwrap();
    device.destroy();
    let result = trainer.step(&batch(BATCH)).and_then(|pending| pending.wait());
    assert!(result.is_err(), "{result:?}");
}
