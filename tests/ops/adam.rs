//! Adam.

use wgcnn::ops::Adam;
use wgcnn::ops::registry::{Attributes, FromAttributes};

use crate::optimizer::{check, refused};

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

#[test]
fn settings_that_make_no_sense_are_refused() {
    let adam = || Adam::new(0.1);
    refused(Adam::new(f32::NAN), "the learning rate is NaN; it must be a number from 0");
    refused(adam().betas(1.0, 0.9), "the first beta is 1; it must be at least 0 and less than 1");
    refused(adam().betas(0.9, -0.1), "the second beta is -0.1; it must be at least 0 and less than 1");
    refused(adam().eps(0.0), "eps is 0; it must be a number more than 0");
    refused(adam().weight_decay(-1.0), "the weight decay is -1; it must be a number from 0");
}

#[test]
fn attributes_that_make_no_sense_are_refused() {
    for (attributes, expected) in [
        (r#"{"betas": [0.9]}"#, "attribute betas is [0.9]; it must be two numbers"),
        (r#"{"betas": 0.9}"#, "attribute betas is 0.9; it must be a list of numbers"),
        (r#"{"eps": "small"}"#, "attribute eps is \"small\"; it must be a number"),
        (r#"{"amsgrad": 1}"#, "attribute amsgrad is 1; it must be true or false"),
    ] {
        let attributes = Attributes::from_json(attributes).unwrap();
        assert_eq!(Adam::from_attributes(&attributes).unwrap_err(), expected);
    }
}
