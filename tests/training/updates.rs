//! Optimizers, clipping and loss scaling over training runs: as the reference has them.

use wgcnn::Result;
use wgcnn::data::Batch;
use wgcnn::gpu::{Capabilities, Context};
use wgcnn::network::Network;
use wgcnn::ops::{
    Adam, AdamW, CrossEntropy, LossScaling, Optimizer, RmsProp, Sgd, UpdateControl, UpdateOptions,
};
use wgcnn::reference;
use wgcnn::schedule::{Plan, PlanOptions};
use wgcnn::train::{Trainer, TrainerOptions};

use crate::agreement::assert_close;
use crate::fixture::{BATCH, contexts, images, network, values};

/// How far a loss or a gradients' norm may be from the reference's, relative to it or to 1.
const TOLERANCE: f64 = 2e-5;

fn batches(count: usize) -> Vec<Batch> {
    batches_of(BATCH, count)
}

fn batches_of(size: usize, count: usize) -> Vec<Batch> {
    images(count * size).shuffled(0).batches(size).collect()
}

fn options() -> TrainerOptions {
    TrainerOptions::batch(BATCH)
}

/// Trains on the device of `context` and on the reference, checks that they agree step by step, and returns what the
/// updates were told.
fn check(
    context: &Context,
    optimizer: impl Optimizer + Clone + 'static,
    options: TrainerOptions,
    loss: CrossEntropy,
    batches: &[Batch],
) -> Vec<UpdateControl> {
    let mut reference: reference::Trainer<f64> =
        reference::Trainer::new(network(), loss.clone(), optimizer.clone(), options).unwrap();
    let mut trainer = Trainer::new(context, network(), loss, optimizer.clone(), options).unwrap();
    let mut controls = vec![];
    for (step, batch) in batches.iter().enumerate() {
        let name = format!("{optimizer:?}, {options:?}, step {step}");
        let close = |what: &str, got: f32, wanted: f64| {
            let error = (f64::from(got) - wanted).abs();
            assert!(error <= TOLERANCE * wanted.abs().max(1.0), "{name}: {what} is {got}, not {wanted}");
        };
        let wanted = reference.step_exact(batch).unwrap();
        let got = trainer.step(batch).unwrap().wait().unwrap();
        close("loss", got.loss, wanted.loss);
        let (wanted, got) = (reference.update_control(), trainer.update_control().unwrap().wait().unwrap());
        close("norm", got.gradient_norm, wanted.gradient_norm.into());
        close(
            "factor",
            got.gradient_scale * got.loss_scale,
            f64::from(wanted.gradient_scale * wanted.loss_scale),
        );
        let exact = |of: UpdateControl| (of.skip, of.skipped, of.loss_scale, of.growth_tracker);
        assert_eq!(exact(got), exact(wanted), "{name}");
        controls.push(got);
    }
    assert_close(&trainer.network().unwrap(), reference.parameters());
    controls
}

/// A gradient that is all but nothing has its sign from rounding, and Adam and its like go by the sign: a large eps
/// keeps such parameters where they are.
const EPS: f32 = 1e-3;

const MAX_NORM: f32 = 8.0;

#[test]
fn every_optimizer_trains_as_the_reference() {
    let loss_scaling = LossScaling::default().growth_interval(3);
    // About half of the steps are clipped.
    let options = options().clip_grad_norm(MAX_NORM).loss_scaling(loss_scaling);
    let batches = batches(10);
    for context in contexts() {
        let controls = [
            check(context, Sgd::new(0.05).momentum(0.9), options, CrossEntropy::mean(), &batches),
            check(context, Adam::new(0.005).eps(EPS), options, CrossEntropy::mean(), &batches),
            check(context, AdamW::new(0.005).eps(EPS).amsgrad(true), options, CrossEntropy::mean(), &batches),
            check(
                context,
                RmsProp::new(0.002).eps(EPS).centered(true),
                options,
                CrossEntropy::mean(),
                &batches,
            ),
        ];
        for controls in controls {
            let clipped = controls.iter().filter(|control| control.gradient_norm > MAX_NORM).count();
            assert!(clipped > 0 && clipped < controls.len(), "{clipped} of {} are clipped", controls.len());
            assert_eq!(controls[9].loss_scale, 65536.0 * 8.0);
        }
    }
}

#[test]
fn a_scale_too_large_is_lowered_until_nothing_overflows() {
    let loss_scaling = LossScaling::default().init_scale(2.0_f32.powi(126)).growth_interval(4);
    let options = options().loss_scaling(loss_scaling);
    let optimizer = Adam::new(0.002).eps(EPS);
    for context in contexts() {
        let controls = check(context, optimizer, options, CrossEntropy::sum(), &batches(16));
        let skipped: Vec<u32> = controls.iter().map(|control| control.skip).collect();
        assert_eq!(skipped[0], 1, "the first scale is too large: {skipped:?}");
        assert_eq!(controls[15].skipped, skipped.iter().sum::<u32>());
        assert!(controls[15].skipped < 12, "most steps are taken: {skipped:?}");
    }
}

/// A device on which a binding holds few parameters, so that they lie in several blocks.
fn small_device() -> Context {
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle().with_env();
    let adapter =
        pollster::block_on(wgpu::Instance::new(descriptor).request_adapter(&Default::default())).unwrap();
    let required_limits =
        wgpu::Limits { max_storage_buffer_binding_size: 28 << 10, ..wgpu::Limits::default() };
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    Context::from_device(&adapter, device, queue)
}

#[test]
fn the_norm_is_that_of_all_blocks_together() {
    let context = small_device();
    let (loss, optimizer) = (CrossEntropy::mean(), Adam::new(0.005).eps(EPS));
    // No more images than the small bindings hold.
    let options = TrainerOptions::batch(4).clip_grad_norm(0.5);
    let trainer = Trainer::new(&context, network(), loss.clone(), optimizer, options).unwrap();
    let of = |kernel: &str| {
        let dispatches = &trainer.plan().program().dispatches;
        dispatches.iter().filter(|dispatch| dispatch.kernel.name == kernel).count()
    };
    let blocks = of("adam/update");
    assert!(blocks > 1, "{}", trainer.plan());
    assert_eq!((of("common/sum_squares"), of("common/update_control")), (blocks, 1));
    check(&context, optimizer, options, loss, &batches_of(4, 6));
}

#[test]
fn a_step_that_is_skipped_changes_nothing() {
    let good = batches(1).remove(0);
    let mut broken = good.clone();
    broken.images.data_mut()[77] = f32::NAN;
    for context in contexts() {
        for options in [options().clip_grad_norm(1.0), options().loss_scaling(LossScaling::default())] {
            let mut trainer =
                Trainer::new(context, network(), CrossEntropy::mean(), Adam::new(0.01), options).unwrap();
            trainer.step(&good).unwrap();
            let before = values(&trainer.network().unwrap());
            trainer.step(&broken).unwrap();
            let control = trainer.update_control().unwrap().wait().unwrap();
            assert_eq!((control.skip, control.skipped), (1, 1), "{options:?}");
            assert_eq!(values(&trainer.network().unwrap()), before, "{options:?}");
            trainer.step(&good).unwrap();
            let control = trainer.update_control().unwrap().wait().unwrap();
            assert_eq!((control.skip, control.skipped), (0, 1), "{options:?}");
            assert_ne!(values(&trainer.network().unwrap()), before, "{options:?}");
        }
    }
}

/// The losses and parameters to the bit after some steps of which nothing was waited for.
#[test]
fn the_same_steps_give_the_same_bits() {
    let options = options().clip_grad_norm(0.7).loss_scaling(LossScaling::default().init_scale(1e30));
    for context in contexts() {
        let run = || {
            let mut trainer =
                Trainer::new(context, network(), CrossEntropy::mean(), AdamW::new(0.01), options).unwrap();
            let pending: Vec<_> = batches(6).iter().map(|batch| trainer.step(batch).unwrap()).collect();
            let losses: Vec<u32> =
                pending.into_iter().map(|pending| pending.wait().unwrap().loss.to_bits()).collect();
            (losses, values(&trainer.network().unwrap()), trainer.update_control().unwrap().wait().unwrap())
        };
        assert_eq!(run(), run());
    }
}

/// The kernels that only clipping and scaling need.
fn extra(network: &Network, update: UpdateOptions) -> Vec<&'static str> {
    let (loss, optimizer) = (CrossEntropy::mean(), Adam::new(0.1));
    let options = PlanOptions { update, ..PlanOptions::training(BATCH, &loss, &optimizer) };
    let plan = Plan::new(network, &options, &Capabilities::webgpu()).unwrap();
    let kernels = plan.program().dispatches.iter().map(|dispatch| dispatch.kernel.name);
    let extra = ["common/scale_gradient", "common/sum_squares", "common/update_control"];
    kernels.filter(|kernel| extra.contains(kernel)).collect()
}

#[test]
fn nothing_is_planned_that_is_not_asked_for() {
    let plain = UpdateOptions::default();
    let clipped = UpdateOptions { clip_grad_norm: Some(1.0), ..plain };
    let scaled = UpdateOptions { loss_scaling: Some(LossScaling::default()), ..plain };
    assert_eq!(extra(&network(), plain), [""; 0]);
    assert_eq!(extra(&network(), clipped), ["common/sum_squares", "common/update_control"]);
    assert_eq!(
        extra(&network(), scaled),
        ["common/scale_gradient", "common/sum_squares", "common/update_control"]
    );
    let mut frozen = network();
    frozen.freeze("").unwrap();
    assert_eq!(extra(&frozen, UpdateOptions { clip_grad_norm: Some(1.0), ..scaled }), [""; 0]);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let says = |options: TrainerOptions, wanted: &str| {
        let new: Result<Trainer> =
            Trainer::new(&contexts()[0], network(), CrossEntropy::mean(), Sgd::new(0.1), options);
        assert_eq!(new.expect_err("an error").to_string(), wanted);
    };
    says(TrainerOptions::batch(0), "batch is 0; it must be at least 1");
    says(options().clip_grad_norm(-1.0), "the largest gradient norm is -1; it must be a number more than 0");
    says(
        options().loss_scaling(LossScaling::default().init_scale(f32::NAN)),
        "the initial loss scale is NaN; it must be a number more than 0, up to 2^126",
    );
}
