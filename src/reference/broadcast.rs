//! What the twins of operators with broadcasting share.

use super::Real;
use crate::Tensor;

/// The NCHW shape of two tensors joined: of each axis, the larger size.
pub(super) fn shape<T: Real>(left: &Tensor<T>, right: &Tensor<T>) -> Vec<usize> {
    left.nchw().iter().zip(right.nchw()).map(|(left, right)| *left.max(&right)).collect()
}

/// For every element of a tensor of NCHW `shape`, in their order, which element of `operand` it is made of: along an
/// axis of one, always the first.
pub(super) fn places<T: Real>(shape: &[usize], operand: &Tensor<T>) -> Vec<usize> {
    let mut places = vec![0];
    for (size, own) in shape.iter().zip(operand.nchw()) {
        let along = |place: &usize| {
            let first = place * own;
            (0..*size).map(move |i| first + i.min(own - 1))
        };
        places = places.iter().flat_map(along).collect();
    }
    places
}

/// The gradient to `operand`, to whose elements `grad` gives what each element of a tensor of `shape` sends back.
pub(super) fn gradient<T: Real>(
    shape: &[usize],
    operand: &Tensor<T>,
    grad: impl Fn(usize) -> T,
) -> Tensor<T> {
    let mut gradient = Tensor::zeros(operand.shape());
    for (i, place) in places(shape, operand).into_iter().enumerate() {
        gradient.data_mut()[place] += grad(i);
    }
    gradient
}
