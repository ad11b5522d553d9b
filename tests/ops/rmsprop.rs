//! RMSprop.

use wgcnn::ops::RmsProp;

use crate::optimizer::{check, refused};

#[test]
fn every_setting() {
    let rmsprop = || RmsProp::new(0.02);
    for len in [1, 5, 1023] {
        check(rmsprop(), len);
        check(rmsprop().alpha(0.5).eps(0.1).weight_decay(0.1), len);
        check(rmsprop().alpha(0.9).momentum(0.5), len);
        check(rmsprop().alpha(0.9).centered(true), len);
        check(rmsprop().alpha(0.9).centered(true).momentum(0.8).weight_decay(0.01), len);
    }
}

#[test]
fn many_parameters() {
    check(RmsProp::new(0.02), 9_001);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let rmsprop = || RmsProp::new(0.1);
    refused(RmsProp::new(f32::INFINITY), "the learning rate is inf; it must be a number from 0");
    refused(rmsprop().alpha(1.0), "alpha is 1; it must be at least 0 and less than 1");
    refused(rmsprop().eps(-1e-8), "eps is -0.00000001; it must be a number more than 0");
    refused(rmsprop().weight_decay(-1.0), "the weight decay is -1; it must be a number from 0");
    refused(rmsprop().momentum(1.0), "the momentum is 1; it must be at least 0 and less than 1");
}
