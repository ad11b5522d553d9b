//! The CPU twin of hard tanh.

use super::{Gradients, Pass, Real, Twin, elementwise};
use crate::Tensor;
use crate::ops::HardTanh;

impl<T: Real> Twin<T> for HardTanh {
    fn forward(&self, inputs: &[&Tensor<T>], _parameters: &[&Tensor<T>], _pass: &Pass) -> Tensor<T> {
        let (lowest, highest) = bounds(self);
        inputs[0].map(|x| {
            if x <= lowest {
                lowest
            } else if x >= highest {
                highest
            } else {
                x
            }
        })
    }

    fn backward(
        &self,
        _inputs: &[&Tensor<T>],
        _parameters: &[&Tensor<T>],
        output: &Tensor<T>,
        grad_output: &Tensor<T>,
        _pass: &Pass,
    ) -> Gradients<T> {
        let (lowest, highest) = bounds(self);
        let inside = |y: T| y > lowest && y < highest;
        elementwise::backward(output, grad_output, |y, grad| if inside(y) { grad } else { T::default() })
    }
}

fn bounds<T: Real>(hard_tanh: &HardTanh) -> (T, T) {
    let (lowest, highest) = hard_tanh.bounds();
    (T::of(lowest.into()), T::of(highest.into()))
}
