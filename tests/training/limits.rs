//! Devices that can do little: tensors larger than a binding, memory that runs out, the fewest resources that there may be.

use std::collections::BTreeMap;

use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::{Add, Conv2d, CrossEntropy, MaxPool2d, StepState};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};
use wgcnn::train::Trainer;
use wgcnn::{Error, Tensor};

use crate::fixture::{BATCH, batch, contexts, network, optimizer, trainer};

/// A context on a device with these limits and no optional feature.
fn limited(limits: impl Fn(wgpu::Limits) -> wgpu::Limits) -> Context {
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle().with_env();
    let instance = wgpu::Instance::new(descriptor);
    let adapter = pollster::block_on(instance.request_adapter(&Default::default())).unwrap();
    let required_limits = limits(adapter.limits());
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    Context::from_device(&adapter, device, queue)
}

/// A device whose bindings have at most this many bytes.
fn small_bindings(bytes: u64) -> Context {
    limited(|limits| wgpu::Limits { max_storage_buffer_binding_size: bytes, ..limits })
}

/// A network in which every kind of layer meets large activations, and none has large parameters.
fn wide() -> Network {
    Network::builder([3, 10, 10])
        .conv2d("conv1", Conv2d::new(10, 3).same())
        .relu()
        .join(Add, |branches| {
            branches.branch(|b| b.conv2d("conv2", Conv2d::new(10, 3).same()).tanh()).branch(|b| b)
        })
        .max_pool2d(MaxPool2d::new(3).stride(2))
        .dropout(0.25)
        .flatten()
        .linear("fc", 4)
        .build()
        .unwrap()
}

/// The output and all gradients of a training pass over `samples` samples.
fn pass(context: &Context, network: &Network, samples: usize) -> Result<BTreeMap<String, Tensor>, Error> {
    let options = PlanOptions { training: true, ..PlanOptions::gradients(samples) };
    let parameters = DeviceParameters::upload(context, network)?;
    let plan = Plan::new(network, &options, context.capabilities())?;
    let execution = Execution::new(context, plan, &parameters, None)?;
    let wave = |i: usize| (i as f32 * 0.37).sin();
    let (input, output) = (network.input_shape(), network.output_shape());
    execution.write_input(0, &(0..samples * input.len()).map(wave).collect::<Vec<_>>())?;
    execution.write_grad_output(&(0..samples * output.len()).map(wave).collect::<Vec<_>>())?;
    execution.write_step(StepState::new(7, 3, samples, 0.0))?;
    execution.run()?;
    let mut results: BTreeMap<String, Tensor> = execution.read_parameter_gradients()?.into_iter().collect();
    let output = execution.read_output()?.wait()?;
    results.insert("output".into(), Tensor::new([output.len()], output)?);
    let input = execution.read_grad_input(0)?.wait()?;
    results.insert("input".into(), Tensor::new([input.len()], input)?);
    Ok(results)
}

#[test]
fn a_tensor_larger_than_a_binding_is_taken_in_chunks() {
    let network = wide();
    let samples = 21;
    // The activations of conv1 are 4,800 bytes a sample, 100,800 in all.
    let small = pass(&small_bindings(40 << 10), &network, samples).unwrap();
    let large = pass(&contexts()[1], &network, samples).unwrap();
    assert!(small.keys().eq(large.keys()));
    for (name, wanted) in &large {
        let largest = wanted.data().iter().fold(0.0, |largest: f32, x| largest.max(x.abs()));
        for (got, wanted) in small[name].data().iter().zip(wanted.data()) {
            assert!((got - wanted).abs() <= 1e-5 * largest, "{name}: {got}, not {wanted}");
        }
    }
}

#[test]
fn what_cannot_be_taken_in_chunks_is_named() {
    // conv1's weight has 36 rows of 64 quads.
    let network = Network::builder([4, 3, 3]).conv2d("conv1", Conv2d::new(256, 3)).build().unwrap();
    let context = small_bindings(16 << 10);
    let error = pass(&context, &network, 2).unwrap_err().to_string();
    assert!(error.contains("tensor conv1.weight (bytes) needs 36864"), "{error}");
    // One sample of the input is 10 KiB, and 40 of its channels' sums.
    let network = Network::builder([4, 40, 40]).max_pool2d(2).build().unwrap();
    let error = pass(&context, &network, 2).unwrap_err().to_string();
    assert!(error.contains("maxStorageBufferBindingSize of 16384") && error.contains("25600"), "{error}");
}

/// The smallest devices that WebGPU's native implementations promise: four storage buffers a kernel, 256 invocations,
/// 16 KiB of workgroup memory.
#[test]
fn training_works_on_the_least_device_or_says_why_not() {
    let least = wgpu::Limits::downlevel_defaults();
    let context = limited(|limits| wgpu::Limits { max_buffer_size: limits.max_buffer_size, ..least.clone() });
    let result = pass(&context, &wide(), 5);
    assert!(result.is_ok(), "{result:?}");
    let options = (CrossEntropy::mean(), optimizer());
    match Trainer::new(&context, network(), options.0, options.1, BATCH) {
        Ok(mut trainer) => assert!(trainer.step(&batch(BATCH)).unwrap().wait().unwrap().loss.is_finite()),
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("maxStorageBuffersPerShaderStage of 4"), "{error}");
        }
    }
}

#[test]
fn a_failed_allocation_leaves_all_else_as_it_was() {
    let context = Context::builder().memory_budget(8 << 20).build().unwrap();
    let mut trainer = trainer(&context, network());
    let before = trainer.step(&batch(BATCH)).unwrap().wait().unwrap();
    let allocated = context.allocated_bytes();
    let error = Trainer::new(&context, wide(), CrossEntropy::mean(), optimizer(), 1024).unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
    assert_eq!(context.allocated_bytes(), allocated, "nothing is left behind");
    let after = trainer.step(&batch(BATCH)).unwrap().wait().unwrap();
    assert!(after.loss < before.loss, "training goes on: {after} after {before}");
    assert!(
        trainer.network().unwrap().parameters().iter().all(|p| p.value.data().iter().all(|x| x.is_finite()))
    );
}
