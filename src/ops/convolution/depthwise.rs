//! The dispatches of a convolution whose groups have one input channel each.

use super::super::program::{Activation, Dispatch, Kernel, kernel, quads, weight_rows};
use super::super::reduce::{MAX_TERMS, Parts, pixel_splits};
use super::problem::{Image, Problem, WeightGradient};
use super::slide::Slide;
use super::variant::Place;
use super::{Convolution, Direction};

/// The invocations of a workgroup.
const WORKGROUP: usize = 64;

/// How many pixels, or taps, an invocation owns.
const STRIP: usize = 4;

/// The step that stride and dilation along a row both divide, in units of either. A tap `period` further meets at a
/// pixel what the tap meets at the pixel `spacing` further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    period: usize,
    spacing: usize,
}

impl Steps {
    /// Those of a convolution whose groups have one input channel each. There are none where they are so long that a
    /// position some steps away might not fit in 32 bits, or where the sum is so long that it had to be split.
    pub fn of(convolution: &Convolution) -> Option<Self> {
        let Convolution { geometry, groups, inputs, outputs } = convolution;
        if *groups == 1 || groups != inputs || geometry.taps() * (outputs / inputs) > MAX_TERMS {
            return None;
        }
        let (stride, dilation) = (geometry.stride[1], geometry.dilation[1]);
        let (mut divisor, mut rest) = (stride, dilation);
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        let (period, spacing) = (stride / divisor, dilation / divisor);
        (period * dilation < 1 << 16).then_some(Self { period, spacing })
    }
}

/// How many strips of elements `apart` from each other cover `len` elements.
fn strips(len: usize, apart: usize) -> usize {
    len.div_ceil(STRIP * apart) * apart.min(len)
}

/// A dispatch of `kernel` over these images, whose uniform begins with these words.
fn dispatch(
    place: &Place<'_>,
    kernel: Kernel,
    convolution: &Convolution,
    steps: Steps,
    [under, positions]: [Activation; 2],
    words: &[usize],
) -> Dispatch {
    let slide = Slide::new(&convolution.geometry, Direction::Forward);
    slide
        .words(Dispatch::new(place.layer, kernel).uniform_sizes(words), under.shape, positions.shape)
        .size("KERNEL_H", slide.kernel[0])
        .size("KERNEL_W", slide.kernel[1])
        .size("MULTIPLIER", convolution.outputs / convolution.inputs)
        .size("PERIOD", steps.period)
        .size("SPACING", steps.spacing)
        .flops(under.batch as u64 * convolution.flops())
}

/// Appends a forward pass or a gradient to the input. The weight is that of the forward direction, whichever way the
/// pass goes.
pub(super) fn image(place: &mut Place<'_>, problem: &Problem, steps: Steps, image: Image<'_>) {
    let Image { input, weight, bias, activation, output } = image;
    let convolution = &problem.convolution;
    let words = [output.batch];
    let (dispatch, apart) = match problem.way() {
        Direction::Forward => {
            let kernel = kernel!("conv2d/depthwise_forward");
            (dispatch(place, kernel, convolution, steps, [input, output], &words), steps.spacing)
        }
        Direction::Transposed => {
            let kernel = kernel!("conv2d/depthwise_backward_input");
            let [height, width] = convolution.geometry.stride;
            let dispatch = dispatch(place, kernel, convolution, steps, [output, input], &words)
                .size("STRIDE_H", height)
                .size("STRIDE_W", width);
            (dispatch, steps.spacing * width)
        }
    };
    let rows = output.batch * output.shape.height;
    let dispatch = dispatch
        .size("BIAS", bias.is_some().into())
        .read(input.tensor)
        .read(weight)
        // Something must be bound; without a bias it is not read.
        .read(bias.unwrap_or(weight))
        .write(output.tensor)
        .activation(activation)
        .invocations(rows * strips(output.shape.width, apart) * output.quads(), WORKGROUP);
    place.program.push(dispatch);
}

/// Appends the gradient to the weight.
pub(super) fn weight(place: &mut Place<'_>, problem: &Problem, steps: Steps, gradient: WeightGradient) {
    let WeightGradient { input, grad_output, grad_weight } = gradient;
    let convolution = &problem.convolution;
    let images = match problem.direction {
        Direction::Forward => [input, grad_output],
        Direction::Transposed => [grad_output, input],
    };
    let [under, positions] = images;
    let [kernel_height, kernel_width] = convolution.geometry.kernel;
    let (taps, columns) = (kernel_height * kernel_width, quads(convolution.outputs));
    let rows = weight_rows(1, taps);
    // Some more invocations write the rows that only pad the weight.
    let invocations = (kernel_height * strips(kernel_width, steps.period) + rows - taps) * columns;
    let workgroups = invocations.div_ceil(WORKGROUP);
    let (splits, span) = pixel_splits(positions, 64, workgroups, place.capabilities.workgroups_wanted());
    let parts = Parts::new(place.program, place.layer, grad_weight, splits, rows * columns);
    let kernel = kernel!("conv2d/depthwise_backward_weight");
    let dispatch = dispatch(place, kernel, convolution, steps, images, &[under.batch, span])
        .read(under.tensor)
        .read(positions.tensor)
        .write(parts.tensor)
        .invocations(invocations, WORKGROUP)
        .layers(splits);
    place.program.push(dispatch);
    parts.finish(place.program, place.layer);
}
