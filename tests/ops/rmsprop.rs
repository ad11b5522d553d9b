//! RMSprop.

use wgcnn::ops::RmsProp;

use crate::optimizer::check;

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
