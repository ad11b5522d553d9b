//! The loops that twins along one axis share: over all lines, an element after another.

use super::Real;
use crate::Tensor;

/// Calls `f` for every line along `axis` (of NCHW) with the indices of its elements.
pub(super) fn for_each<T: Real>(tensor: &Tensor<T>, axis: usize, mut f: impl FnMut(&[usize])) {
    let sizes = tensor.nchw();
    let Some(&length) = sizes.get(axis) else { return };
    let inner: usize = sizes[axis + 1..].iter().product();
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
