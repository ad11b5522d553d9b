//! How a window slides over an image, as the kernels of convolution take it.

use super::super::program::{Dispatch, quads};
use super::Direction;
use crate::shape::{Geometry, Shape, effective_kernel};

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

    /// A kernel of so many rows of one tap, over an image without padding.
    pub fn column(rows: usize) -> Self {
        Self { kernel: [rows, 1], stride: [1; 2], dilation: [1; 2], pad: [0; 2], up: [1; 2] }
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

    /// Tells a dispatch the window, in constants, and the sizes of the images, which are the last words of its uniform.
    pub fn images(&self, dispatch: Dispatch, input: Shape, output: Shape) -> Dispatch {
        image_words(self.window(dispatch).constant("FLAT", output.pixels() == 1), input, output)
    }

    /// Tells a dispatch the sizes of the images and the window, all in the next words of its uniform: the kernels' section
    /// `sizes`.
    pub fn words(&self, dispatch: Dispatch, input: Shape, output: Shape) -> Dispatch {
        let dispatch = image_words(dispatch, input, output)
            .uniform_sizes(&self.kernel)
            .uniform_sizes(&self.stride)
            .uniform_sizes(&self.dilation);
        self.pad.iter().fold(dispatch, |dispatch, pad| dispatch.uniform(*pad as i32 as u32))
    }

    fn window(&self, dispatch: Dispatch) -> Dispatch {
        dispatch
            .size("KERNEL_H", self.kernel[0])
            .size("KERNEL_W", self.kernel[1])
            .size("STRIDE_H", self.stride[0])
            .size("STRIDE_W", self.stride[1])
            .size("DILATION_H", self.dilation[0])
            .size("DILATION_W", self.dilation[1])
            .constant("PAD_TOP", self.pad[0] as f64)
            .constant("PAD_LEFT", self.pad[1] as f64)
    }

    /// Tells a dispatch the window and the sizes of the images, all in constants.
    pub fn constants(&self, dispatch: Dispatch, input: Shape, output: Shape) -> Dispatch {
        self.window(dispatch)
            .size("IN_H", input.height)
            .size("IN_W", input.width)
            .size("IN_C", input.channels)
            .size("OUT_H", output.height)
            .size("OUT_W", output.width)
            .size("OUT_C", output.channels)
    }

    /// Whether a tap may lie outside the input, or between its pixels.
    pub fn is_padded(&self, input: Shape, output: Shape) -> bool {
        let [input, output] = [input, output].map(|image| [image.height as isize, image.width as isize]);
        (0..2).any(|axis| {
            let span = (output[axis] - 1) * self.stride[axis] as isize
                + (self.kernel[axis] as isize - 1) * self.dilation[axis] as isize;
            self.pad[axis] > 0 || self.up[axis] > 1 || span - self.pad[axis] >= input[axis]
        })
    }
}

fn image_words(dispatch: Dispatch, input: Shape, output: Shape) -> Dispatch {
    let [from, to] = [input, output].map(|image| [image.height, image.width]);
    let dispatch = dispatch.uniform_sizes(&from).uniform_sizes(&[quads(input.channels)]);
    dispatch.uniform_sizes(&to).uniform_sizes(&[output.channels])
}
