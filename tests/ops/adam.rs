//! Adam.

use wgcnn::ops::Adam;

use crate::optimizer::check;

#[test]
fn every_setting() {
    let adam = || Adam::new(0.05);
    for len in [1, 5, 1023] {
        check(adam(), len);
        check(adam().betas(0.5, 0.9).eps(0.1).weight_decay(0.1), len);
        check(adam().betas(0.0, 0.0), len);
        check(adam().amsgrad(true).betas(0.8, 0.5).weight_decay(0.01), len);
    }
}

#[test]
fn many_parameters() {
    check(Adam::new(0.05), 9_001);
}

/// The bias correction keeps its digits where hardly anything is forgotten.
#[test]
fn betas_close_to_one() {
    check(Adam::new(0.05).betas(0.9999, 0.999_999), 5);
    check(Adam::new(0.05).betas(0.97, 0.98), 5);
}
