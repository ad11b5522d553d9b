//! What the pools share: the shape rule, attributes, and how their dispatches are set up.

use super::program::{Activation, Dispatch, Kernel};
use super::registry::Attributes;
use super::{Refusal, single_input, window};
use crate::shape::{Geometry, Padding, Pair, Shape, Window};

/// The number of invocations in a workgroup of the pools' kernels.
const WORKGROUP_SIZE: usize = 64;

/// The most loop iterations that an invocation may run: some drivers cut off what comes after.
const MAX_ITERATIONS: usize = 65_535;

/// A window of `kernel` whose positions neither overlap nor leave gaps, the default of every pool.
pub(super) fn window(kernel: impl Into<Pair>) -> Window {
    let kernel = kernel.into();
    Window { stride: kernel.0, ..Window::new(kernel) }
}

/// The window that the attributes say.
///
/// # Errors
/// Names the attribute that is missing or cannot be read.
pub(super) fn window_from_attributes(attributes: &Attributes) -> Result<Window, Refusal> {
    let kernel = attributes.sizes("kernel", [0; 2])?;
    if kernel == [0; 2] {
        return Err("attribute kernel is missing; it must be [height, width], each at least 1".into());
    }
    window::from_attributes(attributes, window(kernel))
}

/// The window of a pool on its one input.
///
/// # Errors
/// What [`Window::over`] refuses; padding by more than half the kernel, or so that a window holds nothing
/// of the image; a window that takes more loop iterations than one invocation may run.
pub(super) fn geometry(window: &Window, inputs: &[Shape]) -> Result<Geometry, Refusal> {
    let input = single_input(inputs)?;
    let geometry = window.over([input.height, input.width])?;
    for axis in 0..2 {
        check_padding(window, &geometry, axis)?;
    }
    let [kh, kw] = geometry.kernel;
    let covering =
        |axis: usize| (geometry.kernel[axis] - 1) * geometry.dilation[axis] / geometry.stride[axis] + 1;
    // Forward at most two passes over the taps (Lp pooling); backward one over the windows that cover a pixel.
    let iterations = (2 * kh * (kw + 1)).max(covering(0) + kh * covering(1));
    if iterations > MAX_ITERATIONS {
        return Err(format!(
            "a window of {kh} x {kw} with dilation {:?} takes {iterations} loop iterations; at most \
             {MAX_ITERATIONS} are allowed, to which 180 x 180 without dilation keeps: pool in two steps",
            geometry.dilation,
        ));
    }
    Ok(geometry)
}

/// The shape of a pool's output.
///
/// # Errors
/// As [`geometry`].
pub(super) fn output_shape(window: &Window, inputs: &[Shape]) -> Result<Shape, Refusal> {
    let [height, width] = geometry(window, inputs)?.output;
    Ok(Shape { height, width, ..single_input(inputs)? })
}

fn check_padding(window: &Window, geometry: &Geometry, axis: usize) -> Result<(), Refusal> {
    let name = ["height", "width"][axis];
    let kernel = geometry.kernel[axis];
    let (before, after) = (geometry.padding[axis], geometry.padding[axis + 2]);
    if window.padding != Padding::Same && before.max(after) > kernel / 2 {
        return Err(format!(
            "padding of {before} + {after} along the {name} is more than half the kernel of {kernel}; at most \
             {} on each side would fit",
            kernel / 2,
        ));
    }
    let read = |position: usize, tap: usize| match axis {
        0 => geometry.row(position, tap),
        _ => geometry.column(position, tap),
    };
    for position in 0..geometry.output[axis] {
        if !(0..kernel).any(|tap| read(position, tap).is_some()) {
            return Err(format!(
                "every tap of window {position} along the {name} falls on padding (input {}, kernel {kernel}, \
                 dilation {}, padding {before} + {after}); a dilation of 1 would fit",
                geometry.input[axis], geometry.dilation[axis],
            ));
        }
    }
    Ok(())
}

/// A dispatch of one invocation for every quad of `over`, with the constants and the uniform that all the
/// pools' kernels have. The caller binds the tensors.
pub(super) fn dispatch(layer: &str, kernel: Kernel, geometry: &Geometry, over: Activation) -> Dispatch {
    Dispatch::new(layer, kernel)
        .size("H", geometry.input[0])
        .size("W", geometry.input[1])
        .size("OH", geometry.output[0])
        .size("OW", geometry.output[1])
        .size("Q", over.quads())
        .size("KH", geometry.kernel[0])
        .size("KW", geometry.kernel[1])
        .size("SH", geometry.stride[0])
        .size("SW", geometry.stride[1])
        .size("PT", geometry.padding[0])
        .size("PL", geometry.padding[1])
        .uniform(over.batch as u32)
        .invocations(over.total_quads(), WORKGROUP_SIZE)
}

/// The operations of a pool that does `per_tap` of them for every tap of every output element.
pub(super) fn flops(window: &Window, output: Shape, per_tap: usize) -> u64 {
    (output.len() * window.kernel[0] * window.kernel[1] * per_tap) as u64
}
