//! What the pools share: the shape rule, attributes, and how their dispatches are set up.

use super::program::{Activation, Dispatch, Kernel, MAX_ITERATIONS, Program, TURN_WORKGROUP};
use super::registry::Attributes;
use super::{Refusal, single_input, strip, window};
use crate::shape::{Geometry, Pair, Shape, Window};

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
    let [ceil_mode, strict] = [attributes.bool("ceil_mode", false)?, attributes.bool("strict", false)?];
    window::from_attributes(attributes, Window { ceil_mode, strict, ..window(kernel) })
}

/// As [`window_from_attributes`], for a pool without dilation.
///
/// # Errors
/// As there, and where a dilation is asked for.
pub(super) fn undilated_window_from_attributes(attributes: &Attributes) -> Result<Window, Refusal> {
    match window_from_attributes(attributes)? {
        window if window.dilation == [1; 2] => Ok(window),
        window => Err(format!("attribute dilation is {:?}; this pool has none: [1, 1]", window.dilation)),
    }
}

/// The window of a pool on its one input.
///
/// # Errors
/// What [`Window::over`] refuses; padding so that a window holds nothing of the image; a window that takes more loop
/// iterations than one invocation may run.
pub(super) fn geometry(window: &Window, inputs: &[Shape]) -> Result<Geometry, Refusal> {
    let input = single_input(inputs)?;
    let geometry = window.over([input.height, input.width])?;
    check_padding(&geometry, 0)?;
    check_padding(&geometry, 1)?;
    let ([kh, kw], iterations) = (geometry.kernel, iterations(&geometry));
    if iterations > MAX_ITERATIONS {
        return Err(format!(
            "a window of {kh} x {kw} with dilation {:?} takes {iterations} loop iterations; at most \
             {MAX_ITERATIONS} are allowed, to which 180 x 180 without dilation keeps: pool in two steps",
            geometry.dilation,
        ));
    }
    Ok(geometry)
}

/// The loop iterations that an element takes at most.
fn iterations(geometry: &Geometry) -> usize {
    let [kh, kw] = geometry.kernel;
    let covering =
        |axis: usize| (geometry.kernel[axis] - 1) * geometry.dilation[axis] / geometry.stride[axis] + 1;
    // Forward at most two passes over the taps (Lp pooling); backward one over the windows that cover a pixel.
    (2 * kh * (kw + 1)).max(covering(0) + kh * covering(1))
}

/// The shape of a pool's output.
///
/// # Errors
/// As [`geometry`].
pub(super) fn output_shape(window: &Window, inputs: &[Shape]) -> Result<Shape, Refusal> {
    let [height, width] = geometry(window, inputs)?.output;
    Ok(Shape { height, width, ..single_input(inputs)? })
}

fn check_padding(geometry: &Geometry, axis: usize) -> Result<(), Refusal> {
    let name = ["height", "width"][axis];
    let (kernel, dilation) = (geometry.kernel[axis], geometry.dilation[axis]);
    let (before, after) = (geometry.padding[axis], geometry.padding[axis + 2]);
    let read = |position: usize, tap: usize| match axis {
        0 => geometry.row(position, tap),
        _ => geometry.column(position, tap),
    };
    for position in 0..geometry.output[axis] {
        if !(0..kernel).any(|tap| read(position, tap).is_some()) {
            let without = if dilation > 1 { ", without dilation," } else { "" };
            return Err(format!(
                "every tap of window {position} along the {name} falls on padding (input {}, kernel {kernel}, \
                 dilation {dilation}, padding {before} + {after}); padding of at most {} on each side{without} \
                 would fit",
                geometry.input[axis],
                kernel - 1,
            ));
        }
    }
    Ok(())
}

/// A dispatch whose invocations take the quads of `over` in turn, with the constants and the words of the uniform that all
/// the pools' kernels have. The caller binds the tensors.
pub(super) fn dispatch(layer: &str, kernel: Kernel, geometry: &Geometry, over: Activation) -> Dispatch {
    Dispatch::new(layer, kernel)
        .size("KH", geometry.kernel[0])
        .size("KW", geometry.kernel[1])
        .size("SH", geometry.stride[0])
        .size("SW", geometry.stride[1])
        .size("PT", geometry.padding[0])
        .size("PL", geometry.padding[1])
        .uniform_sizes(&[over.batch])
        .uniform_sizes(&geometry.input)
        .uniform_sizes(&geometry.output)
        .uniform_sizes(&[over.quads()])
        .in_turn(over.total_quads(), iterations(geometry))
}

/// Cuts `rows` rows of `width` elements into strips that the invocations of a dispatch walk along, one for each of the
/// quads of a pixel.
fn walk(dispatch: Dispatch, program: &Program, [rows, width]: [usize; 2], quads: usize) -> Dispatch {
    let strip = strip::length(rows, width, program.workgroups_in_turn * TURN_WORKGROUP / quads);
    let strips = width.div_ceil(strip);
    dispatch.uniform_sizes(&[strip, strips]).in_turn(rows * strips * quads, strip)
}

/// A dispatch of a forward pass's kernel whose invocations walk along rows of windows; `None` where a window has more
/// than three rows or columns, or its taps lie apart.
pub(super) fn rows(
    program: &Program,
    layer: &str,
    kernel: Kernel,
    geometry: &Geometry,
    output: Activation,
) -> Option<Dispatch> {
    let fits = |axis: usize| geometry.kernel[axis] <= 3 && geometry.dilation[axis] == 1;
    let rows = [output.batch * output.shape.height, output.shape.width];
    let dispatch = || {
        let dispatch = dispatch(layer, kernel, geometry, output).constant("INSIDE", stays_inside(geometry));
        walk(dispatch, program, rows, output.quads())
    };
    (fits(0) && fits(1)).then(dispatch)
}

/// Whether no window reaches out of the image.
fn stays_inside(geometry: &Geometry) -> bool {
    let inside = |axis: usize| {
        let last = (geometry.output[axis] - 1) * geometry.stride[axis] + geometry.kernel[axis];
        geometry.padding[axis] == 0 && last <= geometry.input[axis]
    };
    inside(0) && inside(1)
}

/// A dispatch of a gradient's kernel whose invocations walk along rows of blocks of `grad_input`, as many rows and columns
/// of the padded image as windows are apart; `None` where that is more than two, or more than four windows cover a block.
pub(super) fn blocks(
    program: &Program,
    layer: &str,
    kernel: Kernel,
    geometry: &Geometry,
    grad_input: Activation,
) -> Option<Dispatch> {
    let fits = |axis: usize| {
        let stride = geometry.stride[axis];
        stride <= 2 && (geometry.kernel[axis] - 1) * geometry.dilation[axis] < 2 * stride
    };
    let along = |axis: usize| (geometry.input[axis] + geometry.padding[axis]).div_ceil(geometry.stride[axis]);
    let [rows, columns] = [along(0), along(1)];
    let whole = |axis: usize| {
        geometry.padding[axis] == 0 && geometry.input[axis].is_multiple_of(geometry.stride[axis])
    };
    let dispatch = || {
        let dispatch = dispatch(layer, kernel, geometry, grad_input).constant("WHOLE", whole(0) && whole(1));
        let blocks = [grad_input.batch * rows, columns];
        walk(dispatch, program, blocks, grad_input.quads()).uniform_sizes(&[rows, columns])
    };
    (fits(0) && fits(1)).then(dispatch)
}

/// How many words the pixel of its window that won takes for a quad of a max pool: a byte a channel will do for windows
/// of up to 256 pixels.
pub(super) fn tap_words(pixels: usize) -> usize {
    if pixels <= 256 { 1 } else { 4 }
}

/// The operations of a pool that does `per_tap` of them for every tap of every output element.
pub(super) fn flops(window: &Window, output: Shape, per_tap: usize) -> u64 {
    (output.len() * window.kernel[0] * window.kernel[1] * per_tap) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{MaxPool2d, Operator};
    use crate::shape::Padding;

    #[test]
    fn no_window_may_miss_the_image() {
        // Taps at -1 and 3 of columns 0 to 2: the first and the last window see a pixel, the middle one none.
        let pool = MaxPool2d::new([1, 2]).stride(1).dilation([1, 4]).padding(Padding::Same);
        let message = pool.output_shape(&[Shape::new(3, 1, 3)]).unwrap_err();
        assert!(message.contains("every tap of window 1 along the width"), "{message}");
        assert!(message.contains("of at most 1 on each side, without dilation, would fit"), "{message}");
        assert!(pool.output_shape(&[Shape::new(1, 1, 4)]).is_ok());
    }

    #[test]
    fn attributes_have_defaults() {
        let attributes = Attributes::from_json(r#"{"kernel": [2, 3]}"#).unwrap();
        let window = window_from_attributes(&attributes).unwrap();
        assert_eq!(window, Window { stride: [2, 3], padding: 0.into(), ..Window::new([2, 3]) });
    }

    #[test]
    fn dilation_is_not_passed_over() {
        let dilated =
            |dilation| Attributes::from_json(&format!(r#"{{"kernel": [2, 2], "dilation": {dilation}}}"#));
        assert!(undilated_window_from_attributes(&dilated("[1, 1]").unwrap()).is_ok());
        assert!(undilated_window_from_attributes(&dilated("[1, 2]").unwrap()).is_err());
    }
}
