//! Clipping, loss scaling, and steps that are skipped.

use wgcnn::Tensor;
use wgcnn::gpu::Context;
use wgcnn::ops::{Adam, AdamW, LossScaling, Optimizer, RmsProp, Sgd, UpdateControl, UpdateOptions};

use crate::check::close;
use crate::common::differences::spread;
use crate::common::{bound, gpu};
use crate::contexts::contexts;

/// What is left of gradients, one step after another, and what the last update was told. Plain descent from zero at a
/// rate of 1 adds them up.
fn treat(
    context: &Context,
    options: UpdateOptions,
    gradients: &[f32],
    len: usize,
) -> (Vec<f64>, UpdateControl) {
    let (sum, control) =
        gpu::update(context, &Sgd::new(1.0), options, &Tensor::zeros([len]), gradients).unwrap();
    (sum.into_iter().map(|value| -value).collect(), control)
}

fn clip(max_norm: f32) -> UpdateOptions {
    UpdateOptions { clip_grad_norm: Some(max_norm), ..UpdateOptions::default() }
}

fn scaling(loss_scaling: LossScaling) -> UpdateOptions {
    UpdateOptions { loss_scaling: Some(loss_scaling), ..UpdateOptions::default() }
}

/// Checks gradients clipped to `max_norm` and their norm, which is the root of a sum of so many squares.
fn check_clip(max_norm: f32, gradients: &[f32]) {
    let len = gradients.len();
    let double: Vec<f64> = gradients.iter().copied().map(f64::from).collect();
    let norm = double.iter().map(|gradient| gradient * gradient).sum::<f64>().sqrt();
    let factor = (f64::from(max_norm) / (norm + 1e-6)).min(1.0);
    let wanted: Vec<f64> = double.iter().map(|gradient| factor * gradient).collect();
    for context in contexts() {
        let (got, control) = treat(context, clip(max_norm), gradients, len);
        let name = format!("{len} gradients of norm {norm:.1e} clipped to {max_norm:.1e}");
        close(&name, &[control.gradient_norm.into()], &[norm], |_| bound::of_sum(len as f64, norm));
        close(&name, &got, &wanted, |i| bound::of_sum(len as f64, wanted[i].abs()));
        if factor == 1.0 {
            assert_eq!(got, double, "{name}");
        }
    }
}

#[test]
fn a_norm_above_the_largest_is_scaled_down_to_it() {
    // One part, several parts, and parts of which an invocation sums several quads.
    for len in [1, 5, 1023, 70_003] {
        let gradients = spread(&[len], 0).into_data();
        for max_norm in [1e-3, 0.5, 1e6] {
            check_clip(max_norm, &gradients);
        }
    }
}

/// Squares of such gradients are not held by f32.
#[test]
fn large_and_small_gradients_are_measured_too() {
    for magnitude in [1e-15, 1e-6, 1e14, 3e14, 1e19, 1e30, 1e37] {
        check_clip(1e3, &spread(&[1023], 0).map(|gradient| magnitude * gradient).into_data());
    }
    let mixed = spread(&[1023], 0).into_data();
    let magnitudes = [1e-20, 1.0, 1e14, 1e15, 1e16];
    let mixed: Vec<f32> =
        mixed.iter().enumerate().map(|(i, gradient)| magnitudes[i % 5] * gradient).collect();
    check_clip(1e3, &mixed);
    check_clip(1.0, &[0.0; 7]);
}

#[test]
fn a_step_with_a_gradient_that_is_not_finite_is_skipped() {
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in [0, 513, 1022] {
            let mut gradients = spread(&[3, 1023], 0).into_data();
            gradients[1023 + at] = wrong;
            let wanted: Vec<f64> =
                (0..1023).map(|i| f64::from(gradients[i]) + f64::from(gradients[2046 + i])).collect();
            for context in contexts() {
                for options in [clip(1e6), scaling(LossScaling::default())] {
                    let (got, control) = treat(context, options, &gradients, 1023);
                    close(&format!("{wrong} at {at}"), &got, &wanted, |_| bound::of_units(2.0, 2.4));
                    assert_eq!((control.skip, control.skipped), (0, 1));
                    let skipped = &gradients[..2046];
                    let (got, control) = treat(context, options, skipped, 1023);
                    assert_eq!((control.skip, control.skipped), (1, 1));
                    assert!(got.iter().zip(skipped).all(|(got, first)| *got == f64::from(*first)));
                }
            }
        }
    }
}

/// The scale after each of some steps of which those marked overflow.
fn check_scales(loss_scaling: LossScaling, overflows: &[bool], wanted: &[f32]) {
    let gradients: Vec<f32> = overflows.iter().map(|wrong| if *wrong { f32::NAN } else { 1.0 }).collect();
    for steps in 1..=gradients.len() {
        let (sum, control) = treat(&contexts()[0], scaling(loss_scaling), &gradients[..steps], 1);
        let what = format!("{loss_scaling:?} after {steps} of {overflows:?}");
        assert_eq!(control.loss_scale, wanted[steps - 1], "{what}");
        let skipped = overflows[..steps].iter().filter(|wrong| **wrong).count();
        assert_eq!((control.skipped as usize, sum[0]), (skipped, (steps - skipped) as f64), "{what}");
    }
}

#[test]
fn the_loss_scale_grows_and_falls() {
    let scaling = LossScaling::default().init_scale(8.0);
    check_scales(scaling.growth_interval(1), &[false, true, true, false], &[16.0, 8.0, 4.0, 8.0]);
    let (fine, wrong) = (false, true);
    check_scales(
        scaling.growth_interval(3).growth_factor(4.0).backoff_factor(0.25),
        &[fine, fine, wrong, fine, fine, fine, fine, fine, wrong],
        &[8.0, 8.0, 2.0, 2.0, 2.0, 8.0, 8.0, 8.0, 2.0],
    );
}

#[test]
fn the_loss_scale_stays_what_f32_divides_by() {
    let power = |exponent| 2.0_f32.powi(exponent);
    let scaling = |scale| LossScaling::default().init_scale(scale).growth_interval(1);
    check_scales(scaling(power(125)), &[false; 3], &[power(126); 3]);
    check_scales(scaling(power(-125)), &[true; 3], &[power(-126); 3]);
}

/// What is scaled and what is not ends up the same, to the bit, as long as it is by powers of two.
#[test]
fn a_scale_is_taken_back() {
    let gradients = spread(&[5, 1023], 0).into_data();
    for context in contexts() {
        let (plain, control) = treat(context, UpdateOptions::default(), &gradients, 1023);
        assert_eq!(control, UpdateControl::default());
        let (scaled, control) = treat(context, scaling(LossScaling::default()), &gradients, 1023);
        assert_eq!((control.loss_scale, control.growth_tracker), (65536.0, 5));
        assert_eq!(scaled, plain);
        // What is clipped is what is left after the scale was taken back.
        let (clipped, control) = treat(context, clip(0.5), &gradients, 1023);
        let both = UpdateOptions { loss_scaling: Some(LossScaling::default()), ..clip(0.5) };
        let (scaled, scaled_control) = treat(context, both, &gradients, 1023);
        assert_eq!(scaled, clipped);
        assert_eq!(scaled_control.gradient_norm, control.gradient_norm);
    }
}

/// A device on which a kernel binds no more than four storage buffers, the least that any has.
#[test]
fn four_storage_buffers_are_enough() {
    let descriptor = wgpu::InstanceDescriptor::new_without_display_handle().with_env();
    let adapter =
        pollster::block_on(wgpu::Instance::new(descriptor).request_adapter(&Default::default())).unwrap();
    let required_limits = wgpu::Limits { max_storage_buffers_per_shader_stage: 4, ..wgpu::Limits::default() };
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    let context = Context::from_device(&adapter, device, queue);
    let options = UpdateOptions { loss_scaling: Some(LossScaling::default()), ..clip(0.5) };
    let optimizers: [&dyn Optimizer; 6] = [
        &Sgd::new(0.1),
        &Sgd::new(0.1).momentum(0.9),
        &Adam::new(0.1),
        &AdamW::new(0.1),
        &RmsProp::new(0.1).momentum(0.9),
        &RmsProp::new(0.1).centered(true),
    ];
    for optimizer in optimizers {
        let (got, _) = gpu::update(&context, optimizer, options, &Tensor::zeros([5]), &[1.0; 10]).unwrap();
        assert!(got.iter().all(|value| *value < 0.0), "{optimizer:?}: {got:?}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let default = LossScaling::default;
    for (options, expected) in [
        (clip(0.0), "the largest gradient norm is 0; it must be a number more than 0"),
        (clip(f32::INFINITY), "the largest gradient norm is inf; it must be a number more than 0"),
        (
            scaling(default().init_scale(0.0)),
            "the initial loss scale is 0; it must be a number more than 0, up to 2^126",
        ),
        (
            scaling(default().growth_factor(1.0)),
            "the growth factor of the loss scale is 1; it must be more than 1",
        ),
        (
            scaling(default().backoff_factor(1.0)),
            "the backoff factor of the loss scale is 1; it must be more than 0 and less than 1",
        ),
        (
            scaling(default().growth_interval(0)),
            "the growth interval of the loss scale is 0; it must be at least 1",
        ),
    ] {
        assert_eq!(options.check().unwrap_err().to_string(), expected);
        let refused = gpu::update(&contexts()[0], &Sgd::new(1.0), options, &Tensor::zeros([1]), &[1.0]);
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
}
