//! Tensors in host memory: row-major, NCHW for images, OIHW for convolution weights.

use crate::{Error, Result};

/// A dense row-major array in host memory.
///
/// Images are `[batch, channels, height, width]`, convolution weights `[out, in / groups, height,
/// width]`, linear weights `[out, in]`. How a tensor lies in device memory is the business of the
/// operators; a `Tensor` is always in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor<T = f32> {
    shape: Vec<usize>,
    data: Vec<T>,
}

impl<T: Copy + Default> Tensor<T> {
    /// A tensor over `data`.
    ///
    /// # Errors
    /// [`Error::Input`] where `data` does not have as many elements as `shape` says.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<T>) -> Result<Self> {
        let shape = shape.into();
        let elements = shape.iter().try_fold(1, |product: usize, size| product.checked_mul(*size));
        if elements != Some(data.len()) {
            let elements = elements.map_or("more than fit into memory".into(), |n| format!("{n} elements"));
            let expected = format!("{shape:?} ({elements})");
            return Err(Error::Input { what: "tensor".into(), expected, got: vec![data.len()] });
        }
        Ok(Self { shape, data })
    }

    /// A tensor of zeros.
    pub fn zeros(shape: impl Into<Vec<usize>>) -> Self {
        Self::full(shape, T::default())
    }

    /// A tensor that holds `value` everywhere.
    pub fn full(shape: impl Into<Vec<usize>>, value: T) -> Self {
        let shape = shape.into();
        let data = vec![value; shape.iter().product()];
        Self { shape, data }
    }

    /// A tensor whose element at flat index `i` is `f(i)`.
    pub fn from_fn(shape: impl Into<Vec<usize>>, f: impl FnMut(usize) -> T) -> Self {
        let shape = shape.into();
        let data = (0..shape.iter().product()).map(f).collect();
        Self { shape, data }
    }

    /// The size of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in row-major order.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// The elements in row-major order, to write to.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The elements, given away.
    pub fn into_data(self) -> Vec<T> {
        self.data
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The same elements under another shape.
    ///
    /// # Errors
    /// [`Error::Input`] where the number of elements differs.
    pub fn reshape(self, shape: impl Into<Vec<usize>>) -> Result<Self> {
        Self::new(shape, self.data)
    }

    /// Batch, channels, height and width. A tensor of fewer than four axes counts as having ones
    /// behind: `[n, f]` reads as `[n, f, 1, 1]`.
    pub fn nchw(&self) -> [usize; 4] {
        let axis = |i: usize| self.shape.get(i).copied().unwrap_or(1);
        [axis(0), axis(1), axis(2), axis(3)]
    }

    /// Each element converted by `f`.
    pub fn map<U: Copy + Default>(&self, f: impl FnMut(T) -> U) -> Tensor<U> {
        Tensor { shape: self.shape.clone(), data: self.data.iter().copied().map(f).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_elements_is_checked() {
        let refused = |shape: &[usize]| Tensor::<f32>::new(shape, vec![0.0; 3]).unwrap_err().to_string();
        assert_eq!(refused(&[2, 2]), "tensor: expected shape [2, 2] (4 elements), got [3]");
        let huge = 1 << (usize::BITS / 2);
        assert!(refused(&[huge, huge]).contains("more than fit into memory"), "{}", refused(&[huge, huge]));
        assert_eq!(Tensor::new([3, 1], vec![0.0; 3]).unwrap().nchw(), [3, 1, 1, 1]);
    }
}
