//! A plan's peak memory is what is allocated.

use wgcnn::gpu::{Capabilities, Context};
use wgcnn::network::{Network, NetworkBuilder};
use wgcnn::ops::{Conv2d, CrossEntropy, MaxPool2d, StepState, UpdateOptions};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions, Resident, Role};
use wgcnn::train::Trainer;

use crate::fixture::{BATCH, batch, contexts, images, optimizer, values};

/// How much more or less may be allocated than is planned.
const TOLERANCE: f64 = 0.1;

fn assert_about(what: &str, allocated: u64, planned: u64) {
    let ratio = allocated as f64 / planned as f64;
    assert!((ratio - 1.0).abs() <= TOLERANCE, "{what}: {allocated} bytes are allocated, {planned} planned");
}

/// A network whose memory is mostly activations, and one that is mostly parameters.
fn networks() -> [Network; 2] {
    let convolutions = Network::builder([1, 12, 12])
        .conv2d("conv1", Conv2d::new(16, 3).same())
        .relu()
        .conv2d("conv2", Conv2d::new(16, 3).same())
        .relu()
        .max_pool2d(2)
        .flatten()
        .linear("fc1", 4);
    let perceptron = Network::builder([1, 12, 12]).flatten().linear("fc1", 1024).relu().linear("fc2", 4);
    [convolutions, perceptron].map(|builder| builder.build().unwrap())
}

#[test]
fn what_is_planned_is_allocated() {
    for network in networks() {
        // A device of its own: other tests allocate meanwhile.
        let context = Context::new().unwrap();
        let mut trainer = Trainer::new(&context, network, CrossEntropy::mean(), optimizer(), 64).unwrap();
        let planned = trainer.plan().peak_bytes();
        assert_about("a new trainer", context.allocated_bytes(), planned);
        trainer.step(&images(64).batches(64).next().unwrap()).unwrap();
        trainer.evaluate(&images(100)).unwrap();
        assert_about("after a step and an evaluation", context.allocated_bytes(), planned);
        trainer.predict(&images(3).batches(3).next().unwrap().images).unwrap();
        assert_about("after a prediction", context.allocated_bytes(), planned);
        if let Some(report) = context.device().generate_allocator_report() {
            // Whatever the allocator rounds up and wgpu keeps for transfers comes on top.
            let (used, reserved) = (report.total_allocated_bytes, report.total_reserved_bytes);
            println!("planned {planned}, allocated {used} of {reserved} reserved");
            assert!(used as f64 >= (1.0 - TOLERANCE) * planned as f64, "{used} bytes of {planned}");
        }
        drop(trainer);
        assert_eq!(context.allocated_bytes(), 0, "nothing is left behind");
    }
}

/// ResNet-18 (He et al. 2016, arXiv:1512.03385) for images of 64x64.
fn resnet18() -> Network {
    let stem = Network::builder([3, 64, 64])
        .conv2d("conv1", Conv2d::new(64, 7).stride(2).padding(3).bias(false))
        .batch_norm("bn1")
        .relu()
        .max_pool2d(MaxPool2d::new(3).stride(2).padding(1));
    let blocks = [64, 64, 128, 128, 256, 256, 512, 512];
    let body = blocks.iter().enumerate().fold(stem, |network, (i, channels)| {
        let stride = if i > 1 && i % 2 == 0 { 2 } else { 1 };
        block(network, &format!("block{i}"), *channels, stride)
    });
    body.global_avg_pool2d().flatten().linear("fc", 10).build().unwrap()
}

fn block(network: NetworkBuilder, name: &str, channels: usize, stride: usize) -> NetworkBuilder {
    let conv = |kernel: usize, stride: usize| {
        Conv2d::new(channels, kernel).stride(stride).padding(kernel / 2).bias(false)
    };
    let shortcut = |b: NetworkBuilder| match stride {
        1 => b,
        _ => b.conv2d(format!("{name}.shortcut"), conv(1, stride)).batch_norm(format!("{name}.bn0")),
    };
    let branch = |b: NetworkBuilder| {
        let half =
            b.conv2d(format!("{name}.conv1"), conv(3, stride)).batch_norm(format!("{name}.bn1")).relu();
        half.conv2d(format!("{name}.conv2"), conv(3, 1)).batch_norm(format!("{name}.bn2"))
    };
    network.residual_with(shortcut, branch).relu()
}

/// What a software adapter with subgroups can do, and a GPU without: their kernels split sums differently.
fn adapters() -> [Capabilities; 2] {
    let subgroups = Capabilities { subgroup_size: Some(8), software: true, ..Capabilities::webgpu() };
    [subgroups, Capabilities::webgpu()]
}

#[test]
fn a_step_takes_at_most_three_fifths_of_its_tensors() {
    let (network, loss, optimizer) = (resnet18(), CrossEntropy::mean(), optimizer());
    for capabilities in adapters() {
        let plan = Plan::new(&network, &PlanOptions::training(8, &loss, &optimizer), &capabilities).unwrap();
        let (peak, all, least) = (plan.peak_bytes(), plan.unshared_bytes(), plan.lower_bound_bytes());
        println!("{peak} bytes, {all} in all, at least {least}");
        assert!(least <= peak && 10 * peak <= 6 * all, "{plan}");
        // Parameters and momentum, which nothing can share.
        let parameters: usize = network.parameters().iter().map(|p| p.value.data().len()).sum();
        assert!(all > 3 * 4 * parameters as u64 && least > 2 * 4 * parameters as u64, "{plan}");
        let printed = plan.to_string();
        let said = format!("{:.0} % of the {:.2} MiB", 100.0 * peak as f64 / all as f64, mib(all));
        assert!(printed.contains(&said), "{said} is not in {printed}");
        assert!(printed.contains(&format!("at most {:.2} MiB live at once", mib(least))), "{printed}");
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[test]
fn gradients_outlive_a_step_only_where_somebody_needs_them() {
    let (network, loss, optimizer) = (resnet18(), CrossEntropy::mean(), optimizer());
    let kept = |options: PlanOptions<'_>| {
        let plan = Plan::new(&network, &options, &Capabilities::webgpu()).unwrap();
        let gradients = |role: &Role| matches!(role, Role::Resident(Resident::Gradients(_)));
        plan.buffers().iter().any(|buffer| gradients(&buffer.role))
    };
    let step = PlanOptions::training(8, &loss, &optimizer);
    assert!(!kept(step));
    assert!(kept(PlanOptions { parameter_gradients: true, ..step }));
    // The norm of all gradients is known when the last is.
    assert!(kept(PlanOptions { update: UpdateOptions { clip_grad_norm: Some(1.0), ..step.update }, ..step }));
}

#[test]
fn a_step_with_gradients_given_up_is_the_step_with_gradients_kept() {
    // Large enough for several updates.
    let wide = Network::builder([1, 12, 12])
        .conv2d("conv", Conv2d::new(8, 3).stride(2))
        .relu()
        .flatten()
        .linear("fc1", 1100)
        .relu()
        .linear("fc2", 1100)
        .linear("fc3", 4)
        .build()
        .unwrap();
    for context in contexts() {
        let [given_up, kept] = [false, true].map(|keep| {
            let (loss, optimizer) = (CrossEntropy::mean(), optimizer());
            let options =
                PlanOptions { parameter_gradients: keep, ..PlanOptions::training(BATCH, &loss, &optimizer) };
            let plan = Plan::new(&wide, &options, context.capabilities()).unwrap();
            let parameters = DeviceParameters::upload(context, &wide).unwrap();
            let execution = Execution::new(context, plan, &parameters, None).unwrap();
            let batch = batch(BATCH);
            for step in 0..2 {
                execution.write_input(0, batch.images.data()).unwrap();
                execution.write_target(batch.targets.as_target()).unwrap();
                execution.write_step(StepState::new(0, step, BATCH, 0.1)).unwrap();
                execution.run().unwrap();
            }
            assert_eq!(execution.read_parameter_gradients().unwrap().is_empty(), !keep);
            values(&parameters.download(context, &wide).unwrap())
        });
        assert!(given_up == kept, "the parameters differ");
    }
}
