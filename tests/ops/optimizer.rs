//! What the tests of optimizers have in common.

use wgcnn::ops::{LossScaling, Optimizer, StepState, UpdateControl, UpdateOptions};
use wgcnn::reference::OptimizerTwin;

use crate::check::close;
use crate::common::differences::spread;
use crate::common::{bound, gpu};
use crate::contexts::contexts;

const STEPS: usize = 20;
/// The steps that are skipped where any is, the very first among them.
const SKIPPED: [usize; 3] = [0, 7, 8];

/// Checks a parameter of `len` elements after some steps, with and without some that are skipped. A step may be off by
/// a few roundings of the largest magnitude that the parameter has on its way.
pub fn check(optimizer: impl Optimizer, len: usize) {
    let parameter = spread(&[len], 0);
    for skipped in [&[][..], &SKIPPED] {
        let mut gradients = spread(&[STEPS, len], 1).into_data();
        for (i, step) in skipped.iter().enumerate() {
            gradients[step * len + len / 2] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][i];
        }
        let mut wanted = parameter.map(f64::from).into_data();
        let mut state = vec![vec![0.0; len]; optimizer.state_tensors()];
        let mut control = UpdateControl::default();
        let mut largest: f64 = 0.0;
        for (step, gradient) in gradients.chunks(len).enumerate() {
            control.skip = skipped.contains(&step).into();
            control.skipped += control.skip;
            let gradient: Vec<f64> = gradient.iter().copied().map(f64::from).collect();
            let step = StepState::new(0, step as u32, 1, optimizer.learning_rate());
            OptimizerTwin::<f64>::apply(&optimizer, &mut wanted, &gradient, &mut state, &step, &control);
            largest = wanted.iter().fold(largest, |largest, value| largest.max(value.abs()));
        }
        // The scale is a power of two: it rounds nothing.
        let loss_scaling = (!skipped.is_empty()).then(LossScaling::default);
        let options = UpdateOptions { loss_scaling, ..UpdateOptions::default() };
        for context in contexts() {
            let (got, control) = gpu::update(context, &optimizer, options, &parameter, &gradients).unwrap();
            let name = format!("{optimizer:?} of {len} without {skipped:?}");
            close(&name, &got, &wanted, |_| bound::of_sum(8.0 * STEPS as f64, largest));
            assert_eq!(control.skipped as usize, skipped.len(), "{name}");
        }
    }
}
