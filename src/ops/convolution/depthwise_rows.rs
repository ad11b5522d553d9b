//! The dispatches of a convolution whose groups have one channel each and 3 x 3 taps, along rows.

use super::super::program::{Activation, Dispatch, Kernel, MAX_ITERATIONS, kernel, weight_rows};
use super::super::reduce::{MAX_TERMS, Parts};
use super::super::strip;
use super::problem::{Image, Pass, Problem, WeightGradient};
use super::slide::Slide;
use super::variant::Place;
use super::{Convolution, Direction};
use crate::gpu::Capabilities;

/// The invocations of a workgroup.
const WORKGROUP: usize = 64;

/// How walkers of an invocation for each quad of channels go over the rows of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Walk {
    /// The pixels of a strip of a row; a walker takes strips in turn.
    strip: usize,
    walkers: usize,
}

impl Walk {
    /// As long strips as leave about `wanted` walkers one each.
    fn over(image: Activation, wanted: usize) -> Self {
        let (rows, width) = (image.batch * image.shape.height, image.shape.width);
        let strip = strip::length(rows, width, wanted);
        let strips = rows * width.div_ceil(strip);
        let turns = (MAX_ITERATIONS / (strip + 1)).max(1);
        Self { strip, walkers: wanted.min(strips).max(strips.div_ceil(turns)) }
    }

    /// How many walkers keep a device busy.
    fn wanted(image: Activation, capabilities: &Capabilities) -> usize {
        (capabilities.workgroups_in_turn() * WORKGROUP / image.quads()).max(1)
    }

    /// A dispatch in which it goes over the image of the positions.
    fn dispatch(
        self,
        place: &Place<'_>,
        kernel: Kernel,
        slide: &Slide,
        [under, positions]: [Activation; 2],
    ) -> Dispatch {
        Dispatch::new(place.layer, kernel)
            .size("STRIDE_W", slide.stride[1])
            .uniform_sizes(&[positions.batch, self.walkers, self.strip])
            .uniform_sizes(&[positions.shape.channels, positions.quads()])
            .uniform_sizes(&[under.shape.height, under.shape.width])
            .uniform_sizes(&[positions.shape.height, positions.shape.width])
            .uniform_sizes(&[slide.stride[0], slide.dilation[0]])
            .uniform(slide.pad[0] as i32 as u32)
            .uniform(slide.pad[1] as i32 as u32)
            .invocations(self.walkers * positions.quads(), WORKGROUP)
    }
}

/// Whether the kernels can compute a pass.
pub(super) fn suits(problem: &Problem) -> bool {
    let Convolution { geometry, groups, inputs, outputs } = problem.convolution;
    let is_of_channels = groups > 1 && groups == inputs && inputs == outputs;
    // The gradient to the input of a longer stride meets every second tap, or fewer.
    let strides = problem.pass == Pass::BackwardWeight
        || problem.way() == Direction::Forward
        || geometry.stride == [1; 2];
    is_of_channels && strides && geometry.kernel == [3; 2] && geometry.dilation[1] == 1
}

/// Appends a forward pass or a gradient to the input. The weight is that of the forward direction, whichever way the
/// pass goes.
pub(super) fn image(place: &mut Place<'_>, problem: &Problem, image: Image<'_>) {
    let Image { input, weight, bias, activation, output } = image;
    let walk = Walk::over(output, Walk::wanted(output, place.capabilities));
    let slide = Slide::new(&problem.convolution.geometry, problem.way());
    let dispatch = walk
        .dispatch(place, kernel!("conv2d/depthwise_rows"), &slide, [input, output])
        .size("BIAS", bias.is_some().into())
        .size("FLIP", (problem.way() == Direction::Transposed).into())
        .read(input.tensor)
        .read(weight)
        // Something must be bound; without a bias it is not read.
        .read(bias.unwrap_or(weight))
        .write(output.tensor)
        .activation(activation)
        .flops(output.batch as u64 * problem.convolution.flops());
    place.program.push(dispatch);
}

/// Appends the gradient to the weight.
pub(super) fn weight(place: &mut Place<'_>, problem: &Problem, gradient: WeightGradient) {
    /// The least pixels of a part of the sum, which is as many quads as the weight has.
    const LEAST: usize = 64;
    let WeightGradient { input, grad_output, grad_weight } = gradient;
    let [under, positions] = match problem.direction {
        Direction::Forward => [input, grad_output],
        Direction::Transposed => [grad_output, input],
    };
    let pixels = positions.pixels();
    let wanted = Walk::wanted(positions, place.capabilities);
    let walk = Walk::over(positions, wanted.clamp(pixels.div_ceil(MAX_TERMS), pixels.div_ceil(LEAST)));
    let quads = weight_rows(1, problem.convolution.geometry.taps()) * positions.quads();
    let parts = Parts::new(place.program, place.layer, grad_weight, walk.walkers, quads);
    let slide = Slide::new(&problem.convolution.geometry, Direction::Forward);
    let dispatch = walk
        .dispatch(place, kernel!("conv2d/depthwise_rows_backward_weight"), &slide, [under, positions])
        .read(under.tensor)
        .read(positions.tensor)
        .write(parts.tensor)
        .flops(under.batch as u64 * problem.convolution.flops());
    place.program.push(dispatch);
    parts.finish(place.program, place.layer);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::program::TensorId;
    use crate::shape::Shape;

    #[test]
    fn strips_are_long_where_there_are_enough_of_them() {
        let image =
            |batch, size| Activation { tensor: TensorId(0), shape: Shape::new(64, size, size), batch };
        assert_eq!(Walk::over(image(8, 56), 64), Walk { strip: 56, walkers: 64 });
        assert_eq!(Walk::over(image(8, 56), 8192), Walk { strip: 8, walkers: 3136 });
        assert_eq!(Walk::over(image(1, 5), 8192), Walk { strip: 5, walkers: 5 });
        // No walker runs more iterations than drivers allow.
        assert!(Walk::over(image(4, 4096), 1).walkers * 65_535 >= 4 * 4096 * 4097);
    }
}
