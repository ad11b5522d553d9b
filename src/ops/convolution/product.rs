//! The dispatches of a convolution as an implicit matrix product, or one for each group.

use super::super::program::{Activation, Dispatch, TensorId, kernel, quads, weight_rows};
use super::super::reduce::{Parts, cached_parts, pixel_splits, splits};
use super::cooperative::Cooperative;
use super::cut::Cut;
use super::problem::{Image, Pass, Problem, WeightGradient};
use super::slide::Slide;
use super::subgroup::Subgroup;
use super::tiling::Tiling;
use super::variant::Place;
use super::{Convolution, Direction};
use crate::gpu::Capabilities;
use crate::shape::Shape;

/// The invocations of a workgroup of the grouped kernels.
const WORKGROUP: usize = 64;

/// The most rows and columns of taps of the tiled kernels, which keep a bit for each.
const MAX_TAPS: usize = 32;

/// How the product is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    /// One group.
    Dense(Tiling),
    /// One group of one to three input channels, by register tiles shared through a subgroup.
    Thin(Subgroup),
    /// One group, on the matrix units of a device.
    Cooperative(Cooperative),
    /// Groups whose channels are whole quads on both sides.
    GroupedQuads,
    /// Groups of any size.
    Grouped,
}

impl Product {
    /// Those that a device can run.
    pub fn all(problem: &Problem, capabilities: &Capabilities) -> Vec<Self> {
        let Convolution { groups, inputs, outputs, geometry } = problem.convolution;
        match groups {
            1 if geometry.kernel[0] + geometry.kernel[1] > MAX_TAPS => {
                let subgroup = Subgroup::of(problem, capabilities).map(Tiling::Subgroup);
                let subgroup =
                    subgroup.map(|tiling| Self::thin(problem, tiling).unwrap_or(Self::Dense(tiling)));
                subgroup.into_iter().chain([Self::Grouped]).collect()
            }
            1 => {
                let tilings = Tiling::all(problem, capabilities).into_iter();
                let products =
                    tilings.map(|tiling| Self::thin(problem, tiling).unwrap_or(Self::Dense(tiling)));
                products.chain(Cooperative::of(problem, capabilities).map(Self::Cooperative)).collect()
            }
            _ if (inputs / groups).is_multiple_of(4) && (outputs / groups).is_multiple_of(4) => {
                vec![Self::GroupedQuads]
            }
            _ => vec![Self::Grouped],
        }
    }

    /// What takes the place of a product tiled like this where there are one to three input channels in one group.
    pub fn thin(problem: &Problem, tiling: Tiling) -> Option<Self> {
        let channels = match problem.pass {
            Pass::Forward | Pass::BackwardInput => problem.image_in().channels,
            Pass::BackwardWeight => problem.convolution.inputs,
        };
        match tiling {
            Tiling::Subgroup(tile) if channels < 4 && problem.convolution.groups == 1 => {
                // Its kernels have one size.
                Some(Self::Thin(Subgroup { rows: 32, ..tile }))
            }
            _ => None,
        }
    }

    pub fn name(self) -> String {
        match self {
            Self::Dense(tiling) => tiling.name(),
            Self::Thin(_) => "thin".into(),
            Self::Cooperative(_) => "cooperative".into(),
            Self::GroupedQuads => "grouped_quads".into(),
            Self::Grouped => "grouped".into(),
        }
    }

    /// Whether its kernel turns the layer's weight round itself.
    fn turns_weight(self, problem: &Problem) -> bool {
        matches!(self, Self::Dense(tiling) if tiling.turns_weight(problem))
    }

    /// A dispatch of its kernel for a pass.
    fn pass(self, layer: &str, problem: &Problem) -> Dispatch {
        let kernel = match self {
            Self::Dense(tiling) => {
                let (channels, taps) = (problem.image_in().channels, problem.convolution.geometry.taps());
                return tiling.pass(layer, tiling.turns_weight(problem), channels, taps);
            }
            Self::Thin(tile) => {
                return Dispatch::new(layer, kernel!("conv2d/forward_thin_subgroup"))
                    .size("LANES", tile.lanes)
                    .wide();
            }
            Self::Cooperative(units) => return units.pass(layer),
            Self::GroupedQuads => kernel!("conv2d/forward_grouped_quads"),
            Self::Grouped => kernel!("conv2d/forward_grouped"),
        };
        Dispatch::new(layer, kernel)
    }

    /// How many workgroups own `pixels` pixels of `columns` quads.
    fn tiles(self, pixels: usize, columns: usize) -> usize {
        match self {
            Self::Dense(tiling) => tiling.tiles(pixels, columns),
            Self::Thin(tile) => Tiling::Subgroup(tile).tiles(pixels, columns),
            Self::Cooperative(units) => units.tiles(pixels, columns),
            Self::GroupedQuads => (pixels.div_ceil(4) * columns).div_ceil(WORKGROUP),
            Self::Grouped => (pixels.div_ceil(2) * columns).div_ceil(WORKGROUP),
        }
    }

    /// In how many steps the kernel takes the sum over the taps and the input channels of a group.
    fn steps(self, channels: usize, taps: usize) -> usize {
        match self {
            Self::Dense(_) | Self::Cooperative(_) | Self::GroupedQuads => weight_rows(channels, taps) / 4,
            // It takes a few taps in a step, but counts them one by one.
            Self::Thin(_) => taps,
            Self::Grouped => channels * taps,
        }
    }

    /// How many quads, or terms, of the sum its kernel for a pass takes in a step; a part is whole steps.
    fn step(self) -> usize {
        match self {
            Self::Dense(tiling) => tiling.step(),
            Self::Cooperative(units) => units.step(),
            // Four taps of one channel, two of two, or one of three.
            Self::Thin(_) => 4,
            Self::GroupedQuads | Self::Grouped => 1,
        }
    }

    /// How many workgroups to split the sums of so many tiles for, to keep a device busy.
    fn workgroups_wanted(self, tiles: usize, capabilities: &Capabilities) -> usize {
        match self {
            Self::Dense(tiling) => tiling.workgroups_wanted(tiles, capabilities),
            Self::Cooperative(units) => units.workgroups_wanted(tiles, capabilities),
            Self::Thin(_) | Self::GroupedQuads | Self::Grouped => capabilities.workgroups_wanted(),
        }
    }

    /// A dispatch of its kernel for the gradient to the weight.
    fn backward_weight(self, layer: &str, convolution: &Convolution) -> Dispatch {
        let kernel = match self {
            Self::Dense(tiling) => return tiling.backward_weight(layer),
            Self::Thin(tile) => {
                let kernel = kernel!("conv2d/backward_weight_thin_subgroup");
                let (_, taps) = thin_tiles(convolution);
                return Dispatch::new(layer, kernel)
                    .size("LANES", tile.lanes)
                    .size("TAPS", taps)
                    .size("KERNEL_W", convolution.geometry.kernel[1]);
            }
            Self::Cooperative(units) => return units.backward_weight(layer),
            Self::GroupedQuads => kernel!("conv2d/backward_weight_grouped_quads"),
            Self::Grouped => kernel!("conv2d/backward_weight_grouped"),
        };
        Dispatch::new(layer, kernel)
    }

    /// Tells a dispatch of its kernels the window and the images, and the channels of a group.
    fn images(
        self,
        dispatch: Dispatch,
        slide: &Slide,
        groups: usize,
        [input, output]: [Shape; 2],
    ) -> Dispatch {
        let [in_group, out_group] = [input.channels / groups, output.channels / groups];
        match self {
            Self::Dense(tiling) => tiling.images(dispatch, slide, input, output),
            Self::Thin(_) => slide
                .words(dispatch, input, output)
                .constant("FLAT", output.pixels() == 1)
                .size("THIN", input.channels),
            Self::Cooperative(_) => slide.constants(dispatch, input, output),
            Self::GroupedQuads => slide.words(dispatch, input, output).uniform_sizes(&[in_group, out_group]),
            Self::Grouped => slide
                .words(dispatch, input, output)
                .uniform_sizes(&[in_group, out_group])
                .constant("ALONE", out_group == 1),
        }
    }

    /// How many workgroups own the weight, of `rows` rows, whole quads, and `columns` quads.
    fn weight_tiles(self, convolution: &Convolution, rows: usize, columns: usize) -> usize {
        match self {
            Self::Thin(tile) => thin_tiles(convolution).0 * columns.div_ceil(tile.lanes),
            Self::Dense(tiling) => tiling.tiles(rows, columns),
            Self::Cooperative(units) => units.tiles(rows, columns),
            Self::GroupedQuads => (rows.div_ceil(16) * columns).div_ceil(WORKGROUP),
            Self::Grouped => (rows * columns).div_ceil(WORKGROUP),
        }
    }

    /// How many pixels a part of the gradient to the weight should have at least.
    fn least_pixels(self) -> usize {
        match self {
            Self::Dense(_) | Self::Thin(_) | Self::Cooperative(_) => 256,
            Self::GroupedQuads | Self::Grouped => 64,
        }
    }
}

/// How the gradient to a weight of one to three input channels is tiled: into how many workgroups for each column, and
/// how many taps each of their halves has. A half has at most 16 rows.
fn thin_tiles(convolution: &Convolution) -> (usize, usize) {
    let channels = convolution.inputs;
    let rows = weight_rows(channels, convolution.geometry.taps());
    let tiles = rows.div_ceil(2 * (16 / channels * channels));
    (tiles, rows.div_ceil(2 * tiles * channels))
}

/// Appends a forward pass or a gradient to the input.
pub(super) fn image(place: &mut Place<'_>, problem: &Problem, product: Product, image: Image<'_>) {
    let Image { input, bias, activation, output, .. } = image;
    let convolution = &problem.convolution;
    let weight =
        if product.turns_weight(problem) { image.weight } else { problem.own_weight(place, image.weight) };
    let Place { program, layer, capabilities } = place;
    let slide = Slide::new(&convolution.geometry, problem.way());
    let groups = convolution.groups;
    // The pixels of one phase; all phases have as many workgroups as the largest.
    let phase = output.shape.height.div_ceil(slide.up[0]) * output.shape.width.div_ceil(slide.up[1]);
    let phases = slide.up[0] * slide.up[1];
    let tiles = product.tiles(output.batch * phase, output.quads());
    let steps = product.steps(input.shape.channels / groups, convolution.geometry.taps());
    let workgroups = tiles * phases;
    let wanted = product.workgroups_wanted(workgroups, capabilities);
    let span = steps.div_ceil(splits(steps, 64, workgroups, wanted));
    let span = span.next_multiple_of(product.step());
    let splits = steps.div_ceil(span);
    let parts = Parts::of_activation(program, layer, output, splits, activation);
    let dispatch = product
        .pass(layer, problem)
        .size("UP_H", slide.up[0])
        .size("UP_W", slide.up[1])
        .size("BIAS", bias.is_some().into())
        .read(input.tensor)
        .read(weight)
        // Something must be bound; without a bias it is not read.
        .read(bias.unwrap_or(weight));
    let dispatch = parts.written_by(dispatch).uniform_sizes(&[output.batch, span]);
    let dispatch = product
        .images(dispatch, &slide, groups, [input.shape, output.shape])
        .groups(tiles)
        .layers(phases * splits)
        .flops(output.batch as u64 * convolution.flops());
    program.push(dispatch);
    parts.finish(program, layer);
}

/// Appends the gradient to the weight.
pub(super) fn weight(place: &mut Place<'_>, problem: &Problem, product: Product, gradient: WeightGradient) {
    let WeightGradient { input, grad_output, grad_weight } = gradient;
    match problem.direction {
        Direction::Forward => slide_weight(place, problem, product, [input, grad_output], grad_weight),
        Direction::Transposed => {
            let shape = problem.convolution.weight(Direction::Forward);
            let label = format!("{}.weight.gradient (transposed)", place.layer);
            let turned = shape.tensor(place.program, label);
            slide_weight(place, problem, product, [grad_output, input], turned);
            shape.transpose(place.program, place.layer, turned, grad_weight);
        }
    }
}

/// Appends the gradient to the weight, `[kh][kw][in][out]` for the forward direction, from the images under the window
/// and of the positions.
fn slide_weight(
    place: &mut Place<'_>,
    problem: &Problem,
    product: Product,
    [under, positions]: [Activation; 2],
    grad_weight: TensorId,
) {
    let Place { program, layer, capabilities } = place;
    let convolution = &problem.convolution;
    let groups = convolution.groups;
    let rows = weight_rows(convolution.inputs / groups, convolution.geometry.taps());
    let columns = quads(convolution.outputs);
    let tiles = product.weight_tiles(convolution, rows, columns);
    let least = product.least_pixels();
    let cached = cached_parts([under, positions], rows * columns, capabilities);
    let wanted = product.workgroups_wanted(tiles, capabilities).max(cached * tiles);
    let (splits, span) = pixel_splits(positions, least, tiles, wanted);
    let parts = Parts::new(program, layer, grad_weight, splits, rows * columns);
    let dispatch = product
        .backward_weight(layer, convolution)
        .read(under.tensor)
        .read(positions.tensor)
        .write(parts.tensor)
        .uniform_sizes(&[under.batch, span]);
    let slide = Slide::new(&convolution.geometry, Direction::Forward);
    let dispatch = product
        .images(dispatch, &slide, groups, [under.shape, positions.shape])
        .groups(tiles)
        .layers(splits)
        .flops(under.batch as u64 * convolution.flops());
    program.push(dispatch);
    parts.finish(program, layer);
}
