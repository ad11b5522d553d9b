//! Stochastic gradient descent.

use wgcnn::ops::Sgd;

use crate::optimizer::{check, refused};

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
    check(Sgd::new(0.1).momentum(0.9), 9_001);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let sgd = || Sgd::new(0.1);
    refused(Sgd::new(f32::INFINITY), "the learning rate is inf; it must be a number from 0");
    refused(sgd().momentum(1.0), "the momentum is 1; it must be at least 0 and less than 1");
    refused(sgd().dampening(-0.5), "the dampening is -0.5; it must be from 0 to 1");
    refused(sgd().weight_decay(-1.0), "the weight decay is -1; it must be a number from 0");
    refused(sgd().nesterov(true), "the momentum is 0; it must be more than 0 with Nesterov's");
    refused(
        sgd().nesterov(true).momentum(0.9).dampening(0.1),
        "the dampening is 0.1; it must be 0 with Nesterov's momentum",
    );
}
