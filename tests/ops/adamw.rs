//! Adam with decoupled weight decay.

use wgcnn::ops::AdamW;

use crate::optimizer::{check, refused};

#[test]
fn every_setting() {
    let adamw = || AdamW::new(0.05);
    for len in [1, 5, 1023] {
        check(adamw(), len);
        check(adamw().betas(0.5, 0.9).eps(0.1).weight_decay(0.5), len);
        check(adamw().weight_decay(0.0), len);
        check(adamw().amsgrad(true).betas(0.8, 0.5), len);
    }
}

#[test]
fn many_parameters() {
    check(AdamW::new(0.05), 9_001);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let adamw = || AdamW::new(0.1);
    refused(AdamW::new(-0.1), "the learning rate is -0.1; it must be a number from 0");
    refused(adamw().betas(2.0, 0.9), "the first beta is 2; it must be at least 0 and less than 1");
    refused(adamw().betas(0.9, 1.0), "the second beta is 1; it must be at least 0 and less than 1");
    refused(adamw().eps(f32::INFINITY), "eps is inf; it must be a number more than 0");
    refused(adamw().weight_decay(f32::NAN), "the weight decay is NaN; it must be a number from 0");
}
