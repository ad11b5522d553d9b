//! Softmax along each axis.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::registry::{Attributes, FromAttributes};
use wgcnn::ops::{Operator, Softmax};
use wgcnn::reference::{self, Pass};
use wgcnn::shape::{Axis, Shape};

use crate::check::{Rounding, check, check_within, close};
use crate::common::{bound, gpu};
use crate::contexts::contexts;

/// Of an exponential, whose argument is small here, a sum of positive terms and a quotient. A gradient is a difference.
const UNITS: f64 = 32.0;

#[test]
fn over_channels() {
    // One class, pad lanes, several invocations for a pixel, and more quads than a workgroup has invocations.
    for shape in [
        [1, 1, 1, 1],
        [3, 2, 1, 1],
        [2, 5, 3, 4],
        [1, 21, 9, 7],
        [3, 100, 2, 1],
        [2, 1000, 1, 1],
        [70, 3, 1, 3],
    ] {
        check(Softmax::default(), &[shape], Rounding::Units(UNITS), Rounding::OfLargest(UNITS));
    }
}

#[test]
fn over_height_and_width() {
    for axis in [Axis::Height, Axis::Width] {
        for shape in [[2, 5, 3, 4], [1, 3, 1, 1], [2, 2, 70, 7], [1, 33, 9, 12], [1, 1, 5, 300]] {
            check(Softmax::new(axis), &[shape], Rounding::Units(UNITS), Rounding::OfLargest(UNITS));
        }
    }
}

/// Large logits, equal ones, and lines of which one element outweighs all others.
#[test]
fn large_logits() {
    check_large(Softmax::default(), Softmax::new(Axis::Width));
}

/// Checks a head along channels and width on logits of up to ±10⁴; the exponentials of arguments down to where they
/// vanish are allowed an error that grows with the argument. (The logarithm's tests use it too.)
pub fn check_large(channels: impl Operator + 'static, width: impl Operator + 'static) {
    let logits = [1e4, -1e4, 0.0, 9_999.0, -9_999.5, 1e4, 60.0, -60.0, 1.0, 1.25];
    let operators: [Arc<dyn Operator>; 2] = [Arc::new(channels), Arc::new(width)];
    for operator in operators {
        let name = operator.name();
        let network = Network::from_operator(operator, &[Shape::new(7, 2, 5)]).unwrap();
        let input = Tensor::from_fn([3, 7, 2, 5], |i| logits[(i * i / 3 + i / 11) % logits.len()]);
        let grad = Tensor::from_fn(input.shape(), |i| [1.0, -0.75, 0.5][i % 3]);
        let (output, gradients) =
            reference::vjp(&network, &[], &[input.map(f64::from)], &grad.map(f64::from), &Pass::default())
                .unwrap();
        for context in contexts() {
            let got =
                gpu::differentiate(context, &network, &[&input], Some(&grad), &Pass::default()).unwrap();
            let units = |i: usize| bound::of_units(256.0, output.data()[i].abs());
            close(name, &got["output"], output.data(), units);
            close(name, &got["grad.input.0"], gradients.inputs[0].data(), |_| bound::of_units(256.0, 1.0));
        }
    }
}

#[test]
fn within_a_graph() {
    check_within(Softmax::default(), [2, 6, 7, 6]);
}

#[test]
fn the_axis_is_read() {
    let read = |json: &str| Softmax::from_attributes(&Attributes::from_json(json).unwrap());
    assert_eq!(read("{}"), Ok(Softmax::new(Axis::Channels)));
    assert_eq!(read(r#"{"axis": 3}"#), Ok(Softmax::new(Axis::Width)));
}
