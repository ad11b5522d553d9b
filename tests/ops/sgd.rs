//! Stochastic gradient descent.

use wgcnn::ops::Sgd;

use crate::optimizer::check;

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
