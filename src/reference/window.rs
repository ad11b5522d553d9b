//! What the twins of operators with a sliding window share.

use crate::Tensor;
use crate::ops::Operator;
use crate::shape::{Geometry, Shape};

/// The operator's window on `input`. Where it does not fit, which the operator's shape rule refuses, it has no
/// positions.
pub(super) fn geometry<T: Copy + Default>(operator: &dyn Operator, input: &Tensor<T>) -> Geometry {
    operator.geometry(&[shape(input)]).unwrap_or_default()
}

/// The shape of a sample.
pub(super) fn shape<T: Copy + Default>(input: &Tensor<T>) -> Shape {
    let [_, channels, height, width] = input.nchw();
    Shape::new(channels, height, width)
}

/// The pixels under the window at `position` (row and column), as indices into an image, in row-major order.
pub(super) fn pixels(geometry: &Geometry, position: [usize; 2]) -> impl Iterator<Item = usize> {
    let geometry = *geometry;
    let rows = (0..geometry.kernel[0]).filter_map(move |tap| geometry.row(position[0], tap));
    rows.flat_map(move |row| {
        let columns = (0..geometry.kernel[1]).filter_map(move |tap| geometry.column(position[1], tap));
        columns.map(move |column| row * geometry.input[1] + column)
    })
}
