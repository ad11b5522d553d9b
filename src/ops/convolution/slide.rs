//! How a window slides over an image, as the kernels of convolution take it.

use super::super::program::{Activation, Dispatch};
use super::Direction;
use crate::shape::{Geometry, effective_kernel};

/// The window of a pass through a convolution in either direction.
pub(super) struct Slide {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Top and left; negative where less than the whole of the image is covered.
    pub pad: [isize; 2],
    /// How far the input's pixels lie apart, with zeros between them.
    pub up: [usize; 2],
}

impl Slide {
    pub fn new(geometry: &Geometry, direction: Direction) -> Self {
        match direction {
            Direction::Forward => Self::forward(geometry),
            Direction::Transposed => Self::transposed(geometry),
        }
    }

    fn forward(geometry: &Geometry) -> Self {
        let [top, left, ..] = geometry.padding;
        Self {
            kernel: geometry.kernel,
            stride: geometry.stride,
            dilation: geometry.dilation,
            pad: [top as isize, left as isize],
            up: [1; 2],
        }
    }

    /// The way back is a convolution of the image of the positions, its pixels `stride` apart, with the weight turned
    /// round.
    fn transposed(geometry: &Geometry) -> Self {
        let pad = |axis: usize| {
            let span = effective_kernel(geometry.kernel[axis], geometry.dilation[axis]) - 1;
            span as isize - geometry.padding[axis] as isize
        };
        Self {
            kernel: geometry.kernel,
            stride: [1; 2],
            dilation: geometry.dilation,
            pad: [pad(0), pad(1)],
            up: geometry.stride,
        }
    }

    pub fn constants(&self, dispatch: Dispatch, input: Activation, output: Activation) -> Dispatch {
        dispatch
            .size("IN_H", input.shape.height)
            .size("IN_W", input.shape.width)
            .size("IN_C", input.shape.channels)
            .size("OUT_H", output.shape.height)
            .size("OUT_W", output.shape.width)
            .size("OUT_C", output.shape.channels)
            .size("KERNEL_H", self.kernel[0])
            .size("KERNEL_W", self.kernel[1])
            .size("STRIDE_H", self.stride[0])
            .size("STRIDE_W", self.stride[1])
            .size("DILATION_H", self.dilation[0])
            .size("DILATION_W", self.dilation[1])
            .constant("PAD_TOP", self.pad[0] as f64)
            .constant("PAD_LEFT", self.pad[1] as f64)
    }
}
