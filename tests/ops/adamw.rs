//! Adam with decoupled weight decay.

use wgcnn::ops::AdamW;

use crate::optimizer::check;

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
