//! What the operators share that change an image's size by resampling. No operator of its own.
//!
//! Each output pixel reads input pixels at places that follow from its own, along height and width separately; in
//! the gradient each input pixel gathers from the output pixels that read it, which along an axis are a range. All
//! of it is integer arithmetic, the same here and in the kernels.

use std::ops::Range;

use super::program::{Activation, Dispatch, Kernel, Program};
use super::reduce::{MAX_TERMS, Parts};
use super::registry::Attributes;
use super::{Refusal, single_input};
use crate::shape::{Pair, Shape};

/// The largest height or width, of input and output: what the kernels multiply stays within 32 bits.
const LARGEST: usize = 32_767;

/// The invocations of a workgroup of the backward kernels.
const BACKWARD_WORKGROUP: usize = 64;

/// The size of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// This height and width.
    To([usize; 2]),
    /// The input's height and width times these.
    Times([usize; 2]),
}

impl Size {
    /// This size.
    pub fn to(size: impl Into<Pair>) -> Self {
        Self::To(size.into().0)
    }

    /// So many times the input's.
    pub fn times(scale: impl Into<Pair>) -> Self {
        Self::Times(scale.into().0)
    }

    /// Reads `size` or `scale`.
    ///
    /// # Errors
    /// Where there is neither or both, or where one cannot be read.
    pub fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let [size, scale] = [attributes.size_list("size")?, attributes.size_list("scale")?];
        let pair = |name: &str, list: Vec<usize>| {
            <[usize; 2]>::try_from(list)
                .map_err(|list| format!("attribute {name} is {list:?}; it must be [height, width]"))
        };
        match (size, scale) {
            (Some(size), None) => pair("size", size).map(Self::To),
            (None, Some(scale)) => pair("scale", scale).map(Self::Times),
            _ => Err("one of the attributes size and scale must be there: [height, width]".into()),
        }
    }

    /// The shape of the output.
    ///
    /// # Errors
    /// Where a size is 0 or too large.
    pub fn output_shape(self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let input = single_input(inputs)?;
        let along = |axis: usize, size: usize| {
            let output = match self {
                Self::To(size) => size[axis],
                Self::Times(scale) => size.saturating_mul(scale[axis]),
            };
            if output == 0 || size.max(output) > LARGEST {
                return Err(format!(
                    "the {} is to become {output} from {size}; both must be from 1 to {LARGEST}",
                    ["height", "width"][axis]
                ));
            }
            Ok(output)
        };
        Ok(Shape { height: along(0, input.height)?, width: along(1, input.width)?, ..input })
    }
}

/// A forward dispatch, which binds no tensor yet.
pub(super) fn forward(layer: &str, kernel: Kernel, input: Activation, output: Activation) -> Dispatch {
    sizes(layer, kernel, input, output).uniform(output.batch as u32).in_turn(output.total_quads(), 1)
}

/// Appends the backward pass. `readers` gives the range of outputs that read an input pixel, from its place, the
/// input's size and the output's along an axis; `finish` adds what else the kernel wants.
pub(super) fn backward(
    program: &mut Program,
    layer: &str,
    kernel: Kernel,
    [grad_output, grad_input]: [Activation; 2],
    readers: impl Fn(usize, usize, usize) -> Range<usize>,
    finish: impl FnOnce(Dispatch) -> Dispatch,
) {
    let most = |input: usize, output: usize| {
        (0..input).map(|i| readers(i, input, output).len()).max().unwrap_or(0).max(1)
    };
    let rows = most(grad_input.shape.height, grad_output.shape.height);
    let columns = most(grad_input.shape.width, grad_output.shape.width);
    // The rows are split where one invocation would have too many terms, or where too few would work.
    let quads = grad_input.total_quads();
    let parts = program
        .summation
        .parts(rows, 32_usize.div_ceil(columns), quads)
        .max((rows * columns).div_ceil(MAX_TERMS));
    let span = rows.div_ceil(parts);
    let parts = rows.div_ceil(span);
    let partial = Parts::of_activation(program, layer, grad_input, parts, None);
    let dispatch = finish(sizes(layer, kernel, grad_input, grad_output)).read(grad_output.tensor);
    let dispatch = partial
        .written_by(dispatch)
        .uniform_sizes(&[grad_input.batch, span, parts])
        .invocations(quads * parts, BACKWARD_WORKGROUP);
    program.push(dispatch);
    partial.finish(program, layer);
}

fn sizes(layer: &str, kernel: Kernel, input: Activation, output: Activation) -> Dispatch {
    Dispatch::new(layer, kernel)
        .size("H", input.shape.height)
        .size("W", input.shape.width)
        .size("Q", input.quads())
        .size("OH", output.shape.height)
        .size("OW", output.shape.width)
}
