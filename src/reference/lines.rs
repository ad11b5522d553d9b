//! The loops that twins along one axis share: over all lines, an element after another.

use super::Real;
use crate::Tensor;
use crate::shape::Axis;

/// Calls `f` for every line along `axis` with the indices of its elements.
pub(super) fn for_each<T: Real>(tensor: &Tensor<T>, axis: Axis, mut f: impl FnMut(&[usize])) {
    let [_, channels, height, width] = tensor.nchw();
    let (length, inner) = match axis {
        Axis::Channels => (channels, height * width),
        Axis::Height => (height, width),
        Axis::Width => (width, 1),
    };
    for first in (0..tensor.len()).filter(|i| (i / inner).is_multiple_of(length)) {
        let line: Vec<usize> = (0..length).map(|i| first + i * inner).collect();
        f(&line);
    }
}

/// The largest element of a line, and the sum of the exponentials of what the others are from it.
pub(super) fn top_and_sum<T: Real>(x: &[T], line: &[usize]) -> (T, T) {
    let top = line.iter().map(|i| x[*i]).reduce(|top, x| if x > top { x } else { top }).unwrap_or_default();
    let mut sum = T::default();
    for i in line {
        sum += (x[*i] - top).exp();
    }
    (top, sum)
}
