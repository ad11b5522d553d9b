//! A function of each element for itself, over values from all of f32's range. No operator of its own.

use std::sync::Arc;

use wgcnn::Tensor;
use wgcnn::network::Network;
use wgcnn::ops::Operator;
use wgcnn::reference::{self, Gradients, Pass};
use wgcnn::shape::Shape;

use crate::check::close;
use crate::common::{bound, gpu};
use crate::contexts::contexts;

/// Zero, the smallest normal numbers, where exponentials overflow and vanish, the largest, and many between, of both
/// signs.
fn values() -> Vec<f32> {
    let edges =
        [0.0, 1.2e-38, 1e-30, 1e-10, 1e-4, 0.249_999, 0.25, 0.250_001, 9.0, 17.5, 44.4, 86.0, 1e3, 1e30];
    let between = (1..300).map(|i| i as f32 * 0.057);
    edges.into_iter().chain(between).flat_map(|x| [x, -x]).chain([f32::MAX, f32::MIN]).collect()
}

/// Checks output and gradient. Rounding may take the two off by `units` roundings of `magnitudes(x, y)`: the sums of the
/// magnitudes that make up the output y and the derivative where the input is x.
pub fn check(operator: impl Operator + 'static, units: f64, magnitudes: impl Fn(f64, f64) -> [f64; 2]) {
    check_function(&(Arc::new(operator) as Arc<dyn Operator>), units, &magnitudes);
}

fn check_function(operator: &Arc<dyn Operator>, units: f64, magnitudes: &dyn Fn(f64, f64) -> [f64; 2]) {
    let name = operator.name();
    let values = values();
    // Channel counts that leave pad lanes, and more elements than one workgroup has.
    for [batch, channels, height, width] in [[1, 1, 1, 1], [2, 3, 5, 7], [1, 17, 19, 11], [3, 64, 5, 1]] {
        let network = Network::from_operator(Arc::clone(operator), &[Shape::new(channels, height, width)]);
        let network = network.unwrap();
        let input = Tensor::from_fn([batch, channels, height, width], |i| values[i % values.len()]);
        let grad = Tensor::from_fn(input.shape(), |i| [1.0, -0.75, 1e-3, 123.0][i / 3 % 4]);
        let doubles = [input.map(f64::from)];
        let (output, Gradients { inputs, .. }) =
            reference::vjp(&network, &[], &doubles, &grad.map(f64::from), &Pass::default()).unwrap();
        for context in contexts() {
            let got =
                gpu::differentiate(context, &network, &[&input], Some(&grad), &Pass::default()).unwrap();
            let at = |i: usize| magnitudes(doubles[0].data()[i], output.data()[i]);
            close(name, &got["output"], output.data(), |i| bound::of_units(units, at(i)[0]));
            close(&format!("{name}: gradient"), &got["grad.input.0"], inputs[0].data(), |i| {
                bound::of_units(units, f64::from(grad.data()[i]).abs() * at(i)[1])
            });
        }
    }
}
