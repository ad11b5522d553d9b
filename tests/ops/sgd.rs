//! Stochastic gradient descent.

use wgcnn::ops::{Optimizer, Sgd, StepState};
use wgcnn::reference::OptimizerTwin;

use crate::check::close;
use crate::common::differences::spread;
use crate::common::{bound, gpu};
use crate::contexts::contexts;

const STEPS: usize = 5;

/// Checks the parameter after some steps. A step rounds it a few times, by what lies between it and its largest
/// magnitude on the way.
fn check(sgd: Sgd, len: usize) {
    let parameter = spread(&[len], 0);
    let gradients = spread(&[STEPS, len], 1).into_data();
    let mut wanted = parameter.map(f64::from).into_data();
    let mut state = vec![vec![0.0; len]; sgd.state_tensors()];
    for (step, gradient) in gradients.chunks(len).enumerate() {
        let gradient: Vec<f64> = gradient.iter().copied().map(f64::from).collect();
        let step = StepState::new(0, step as u32, 1, sgd.learning_rate());
        OptimizerTwin::<f64>::apply(&sgd, &mut wanted, &gradient, &mut state, &step);
    }
    for context in contexts() {
        let got = gpu::update(context, &sgd, &parameter, &gradients).unwrap();
        close(&format!("{sgd:?} of {len}"), &got, &wanted, |_| bound::of_sum(8.0 * STEPS as f64, LARGEST));
    }
}

/// No parameter here is larger on its way than this, from 1.2 with gradients up to 1.2 and a rate of at most 0.1.
const LARGEST: f64 = 3.0;

#[test]
fn every_setting() {
    let sgd = || Sgd::new(0.1);
    for len in [1, 5, 1023] {
        check(sgd(), len);
        check(sgd().weight_decay(0.01), len);
        check(sgd().momentum(0.9), len);
        check(sgd().momentum(0.5).dampening(0.25).weight_decay(0.1), len);
        check(sgd().momentum(0.9).nesterov(true).weight_decay(0.01), len);
    }
}

#[test]
fn many_parameters() {
    check(Sgd::new(0.1).momentum(0.9), 70_001);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let sgd = || Sgd::new(0.1);
    for (sgd, expected) in [
        (Sgd::new(f32::INFINITY), "the learning rate is inf; it must be a number from 0"),
        (sgd().momentum(1.0), "the momentum is 1; it must be at least 0 and less than 1"),
        (sgd().dampening(-0.5), "the dampening is -0.5; it must be from 0 to 1"),
        (sgd().weight_decay(-1.0), "the weight decay is -1; it must be a number from 0"),
        (sgd().nesterov(true), "the momentum is 0; it must be more than 0 with Nesterov's"),
        (
            sgd().nesterov(true).momentum(0.9).dampening(0.1),
            "the dampening is 0.1; it must be 0 with Nesterov's momentum",
        ),
    ] {
        assert_eq!(sgd.check().unwrap_err().to_string(), expected);
    }
}
