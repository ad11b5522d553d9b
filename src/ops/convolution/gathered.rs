//! The dispatches of a pass to few channels: a matrix product that gives what every tap has of every pixel of the
//! input, and for each pixel of the output the sum of those that meet it. Its matrix has as many columns as there are
//! taps times channels, while the tiles of an implicit product would be as wide as the channels, and nearly empty.

use super::super::machine::{Machine, Work};
use super::super::program::{Activation, Dispatch, TensorId, kernel, quads};
use super::super::reduce::Parts;
use super::pointwise::{self, Matrices};
use super::problem::{Image, Pass, Problem};
use super::sizes::Sizes;
use super::slide::Slide;
use super::subgroup::Subgroup;
use super::tiling::Tiling;
use super::variant::Place;
use crate::gpu::Capabilities;
use crate::shape::Shape;

/// The invocations of a workgroup.
const WORKGROUP: usize = 64;

/// The most channels of the output: with more, the tiles of an implicit product are full enough.
const MAX_CHANNELS: usize = 7;

/// The most bytes that the products may take: where they would take more, some samples go after others.
const MAX_BYTES: usize = 64 << 20;

/// The tilings of the product with which a device can run a pass; none where another variant is always better, or where
/// one sample has too many products to be bound.
pub(super) fn all(problem: &Problem, capabilities: &Capabilities) -> Vec<Tiling> {
    let convolution = &problem.convolution;
    let suits = convolution.groups == 1
        && convolution.geometry.taps() > 1
        && problem.pass != Pass::BackwardWeight
        && problem.image_out().channels <= MAX_CHANNELS;
    if suits && samples_at_once(problem, capabilities).is_some() {
        Tiling::with(Subgroup::of_rows(pixels(problem), capabilities), capabilities)
    } else {
        vec![]
    }
}

/// About how long a pass takes, in the multiply-adds of [`Machine`].
pub(super) fn estimate(problem: &Problem, tiling: Tiling, capabilities: &Capabilities) -> f64 {
    let machine = Machine::of(capabilities);
    let whole = Sizes::of(problem);
    let pixels = pixels(problem);
    let products = (problem.batch * sample_bytes(problem)) as f64;
    let product = Sizes {
        rows: pixels,
        columns: quads(columns(problem)),
        terms: problem.image_in().channels as f64,
        phases: 1,
        bytes: whole.bytes + products,
        part: products,
    };
    let gather = Work {
        // A processor reads them lane by lane, out of order.
        products: (pixels * columns(problem)) as f64 * if machine.software { 40.0 } else { 4.0 },
        bytes: products + whole.part,
        workgroups: whole.rows.div_ceil(WORKGROUP) * whole.phases,
        invocations: WORKGROUP,
        efficiency: 1.0,
    };
    let matrix = 32.0 * (quads(problem.image_in().channels) * 4 * quads(columns(problem))) as f64;
    product.time(tiling, &machine, capabilities) + machine.time(gather) + machine.moving(matrix)
}

/// The rows of the product.
fn pixels(problem: &Problem) -> usize {
    problem.batch * problem.image_in().height * problem.image_in().width
}

/// The columns of the product.
fn columns(problem: &Problem) -> usize {
    problem.convolution.geometry.taps() * problem.image_out().channels
}

/// The bytes of the products of one sample.
fn sample_bytes(problem: &Problem) -> usize {
    problem.image_in().height * problem.image_in().width * quads(columns(problem)) * 16
}

/// How many samples' products fit in a tensor, of which the first begins where a binding may; `None` if not one's.
fn samples_at_once(problem: &Problem, capabilities: &Capabilities) -> Option<usize> {
    let binding = usize::try_from(capabilities.max_storage_binding).unwrap_or(usize::MAX);
    let sample = sample_bytes(problem);
    let fitting = binding.min(MAX_BYTES.max(sample)) / sample;
    if fitting >= problem.batch {
        return Some(problem.batch);
    }
    let images = [problem.image_in(), problem.image_out()].map(|image| problem.storage.sample_bytes(image));
    let multiple = capabilities.bindable_samples(&images);
    Some(fitting / multiple * multiple).filter(|samples| *samples > 0)
}

/// Appends a forward pass or a gradient to the input.
pub(super) fn image(place: &mut Place<'_>, problem: &Problem, tiling: Tiling, image: Image<'_>) {
    let at_once = samples_at_once(problem, place.capabilities).unwrap_or(problem.batch);
    let weight = problem.own_weight(place, image.weight);
    let weight = matrix(place, problem, weight);
    let Image { input, output, .. } = image;
    let label = format!("{}.products", place.layer);
    let products = place.program.tensor(label, at_once.min(input.batch) * sample_bytes(problem));
    for first in (0..input.batch).step_by(at_once) {
        let samples = first..input.batch.min(first + at_once);
        let [input, output] = [input, output].map(|image| place.program.samples(image, &samples));
        let part = Image { input, output, weight, ..image };
        multiply(place, problem, tiling, part, products);
        gather(place, problem, part, products);
    }
}

/// Appends the weight as a matrix: from the input channels to what every tap has of them. Returns it.
fn matrix(place: &mut Place<'_>, problem: &Problem, weight: TensorId) -> TensorId {
    let Place { program, layer, .. } = place;
    let inputs = problem.image_in().channels;
    let quads = 4 * quads(inputs) * quads(columns(problem));
    let matrix = program.tensor(format!("{layer}.weight (of taps)"), quads * 16);
    let dispatch = Dispatch::new(layer, kernel!("conv2d/taps_to_columns"))
        .read(weight)
        .write(matrix)
        .uniform_sizes(&[problem.convolution.geometry.taps(), inputs, problem.image_out().channels])
        .invocations(quads, WORKGROUP);
    program.push(dispatch);
    matrix
}

/// Appends the product of the pixels and the weight's matrix.
fn multiply(place: &mut Place<'_>, problem: &Problem, tiling: Tiling, image: Image<'_>, products: TensorId) {
    let Image { input, weight, .. } = image;
    let columns = columns(problem);
    let sizes =
        Matrices { rows: input.pixels(), inputs: input.shape.channels, outputs: columns, turned: false };
    let total = sizes.rows * quads(columns);
    // A product is a part of a sum: it is in f32 however activations are stored.
    pointwise::product(place, tiling, sizes, [input.tensor, weight], None, |program, layer, parts| {
        Parts::new(program, layer, products, parts, total)
    });
}

/// Appends the sums of the products.
fn gather(place: &mut Place<'_>, problem: &Problem, image: Image<'_>, products: TensorId) {
    let Image { input, bias, weight, activation, output } = image;
    let slide = Slide::new(&problem.convolution.geometry, problem.way());
    let Shape { height, width, .. } = input.shape;
    let products =
        Activation { tensor: products, shape: Shape::new(columns(problem), height, width), ..input };
    let phase = output.shape.height.div_ceil(slide.up[0]) * output.shape.width.div_ceil(slide.up[1]);
    let Place { program, layer, .. } = place;
    let dispatch = Dispatch::new(layer, kernel!("conv2d/gather_taps")).uniform(output.batch as u32);
    let dispatch = slide
        .words(dispatch, products.shape, output.shape)
        .size("LANES", output.shape.channels.min(4))
        .size("UP_H", slide.up[0])
        .size("UP_W", slide.up[1])
        .size("BIAS", bias.is_some().into())
        .activation(activation)
        .read(products.tensor)
        // Something must be bound; without a bias it is not read.
        .read(bias.unwrap_or(weight))
        .write(output.tensor)
        .invocations(output.batch * phase * output.quads(), WORKGROUP)
        .layers(slide.up[0] * slide.up[1])
        .flops((input.pixels() * products.shape.channels) as u64);
    program.push(dispatch);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::convolution::{Convolution, Direction};
    use crate::ops::program::Storage;
    use crate::shape::Window;

    fn problem(outputs: usize, batch: usize) -> Problem {
        let geometry = Window::new(3).over([12, 12]).unwrap();
        let convolution = Convolution { geometry, groups: 1, inputs: 16, outputs };
        Problem::new(&convolution, Direction::Forward, Pass::Forward, batch, Storage::F32)
    }

    #[test]
    fn only_few_channels_are_gathered() {
        let capabilities = Capabilities::webgpu();
        assert!(matches!(all(&problem(3, 2), &capabilities)[..], [Tiling::Tiled(_), ..]));
        assert_eq!(all(&problem(8, 2), &capabilities), []);
    }

    #[test]
    fn products_that_cannot_be_bound_are_taken_some_samples_at_a_time() {
        // 27 columns are 7 quads, of 144 pixels: 16,128 bytes a sample. An output sample is a multiple of 64 bytes.
        let of = |max_storage_binding| Capabilities { max_storage_binding, ..Capabilities::webgpu() };
        let at_once = |limit, batch| samples_at_once(&problem(3, batch), &of(limit));
        assert_eq!(at_once(1 << 20, 9), Some(9));
        assert_eq!(at_once(9 * 16_128, 10), Some(8));
        assert_eq!(at_once(16_127, 1), None);
    }
}
