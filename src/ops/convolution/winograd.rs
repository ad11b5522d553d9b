//! The dispatches of a convolution of stride 1 by Winograd's minimal filtering: tiles of the image and the kernels are
//! transformed to 36 points, the product is a matrix product at each of them, and the outputs come from these. A kernel
//! of 3 x 3 takes 2.25 multiply-adds for an output instead of 9, one of 5 x 5 takes 9 instead of 25.
//!
//! The points make differences of large numbers, so that rounding weighs more than in a direct sum, and it spreads over
//! a tile: a large pixel is felt in outputs that it does not touch. [`Winograd::of`] says where sums are long enough.

use super::super::machine::{Machine, Work};
use super::super::program::{Activation, Dispatch, TensorId, kernel, quads};
use super::super::reduce::{MAX_TERMS, Parts, splits};
use super::Direction;
use super::cut::Cut;
use super::problem::{Image, Pass, Problem, WeightGradient};
use super::slide::Slide;
use super::tile::Tile;
use super::tiling::Tiling;
use super::variant::Place;
use crate::gpu::Capabilities;
use crate::shape::Geometry;

/// The points of a tile: six along either axis.
const POINTS: usize = 36;

/// The invocations of a workgroup of the transforms.
const WORKGROUP: usize = 64;

/// What the number of tiles is rounded up to: no workgroup of a product has fewer.
const BLOCK: usize = 32;

/// How many tiles lie side by side in the input at a point: see `winograd_product_subgroup.wgsl`.
const LINE: usize = 8;

/// About how many additions a transform makes for a number that it reads or writes at a point.
const ADDITIONS: f64 = 5.0;

/// Which part of a device's multiply-adds its additions reach.
const ADDING: f64 = 0.2;

/// How a pass is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Winograd {
    /// How the products are cut into tiles.
    tiling: Tiling,
    /// Height and width of the kernel.
    size: usize,
}

/// The tiles of an image.
#[derive(Debug, Clone, Copy)]
struct Tiles {
    /// Along height and width of a sample.
    along: [usize; 2],
    /// Of all samples, rounded up to whole blocks.
    all: usize,
}

impl Winograd {
    /// Those that compute a problem on a device, and with an error within the bound of a direct sum.
    pub fn all(problem: &Problem, capabilities: &Capabilities) -> Vec<Self> {
        let Some(size) = Self::size(problem) else { return vec![] };
        let all = Tiling::all(problem, capabilities).into_iter().map(|tiling| Self { tiling, size });
        all.filter(|winograd| winograd.fits(problem, capabilities)).collect()
    }

    pub fn name(self) -> String {
        format!("winograd_{}", self.tiling.name())
    }

    /// The size of the kernel, where it is one of those that there are transforms for and the sums are long enough.
    fn size(problem: &Problem) -> Option<usize> {
        let convolution = &problem.convolution;
        let Geometry { kernel, stride, dilation, .. } = convolution.geometry;
        let size = kernel[0];
        let fits = matches!(kernel, [3, 3] | [5, 5]) && (stride, dilation) == ([1; 2], [1; 2]);
        // The rows of a tap are whole quads in a weight from four input channels on.
        let channels = convolution.groups == 1 && convolution.inputs.min(convolution.outputs) >= 4;
        (fits && channels && Self::is_accurate(problem, size)).then_some(size)
    }

    /// Whether the error stays within half of the bound of a direct sum, on what a network computes with: dense or after
    /// a ReLU, positive or of both signs. docs/winograd.md has the errors that were measured.
    fn is_accurate(problem: &Problem, size: usize) -> bool {
        let [input, output] = sides(problem);
        match problem.pass {
            // The gradient of a tap at the edge sums over the fewest pixels.
            Pass::BackwardWeight => {
                let least = if size == 3 { 256 } else { 1024 };
                let [top, left, bottom, right] = problem.convolution.geometry.padding;
                let within = |axis: usize, before: usize, after: usize| {
                    output[axis].min(input[axis]).saturating_sub(before.max(after))
                };
                problem.direction == Direction::Forward
                    && problem.batch * within(0, top, bottom) * within(1, left, right) >= least
            }
            Pass::Forward | Pass::BackwardInput => {
                let Slide { pad, .. } = Slide::new(&problem.convolution.geometry, problem.way());
                // An output with few taps inside the image would be a small difference of large numbers.
                let most = (size / 2) as isize;
                let inside = |axis: usize| {
                    let after = (output[axis] + size - 1) as isize - input[axis] as isize - pad[axis];
                    pad[axis].max(after) <= most && input[axis] >= 2
                };
                let channels = problem.convolution.image(problem.way()).channels;
                inside(0) && inside(1) && channels >= if size == 3 { 32 } else { 16 }
            }
        }
    }

    /// Whether a device can bind what goes between the dispatches.
    fn fits(self, problem: &Problem, capabilities: &Capabilities) -> bool {
        let tiles = self.tiles(problem).all;
        let [inputs, outputs] = channels(problem).map(quads);
        let largest = (tiles * inputs.max(outputs)).max(4 * inputs * outputs);
        (POINTS * largest * 16) as u64 <= capabilities.max_storage_binding
    }

    /// About how long it takes, in the multiply-adds of [`Machine`].
    pub fn estimate(self, problem: &Problem, capabilities: &Capabilities) -> f64 {
        let machine = Machine::of(capabilities);
        let tiles = self.tiles(problem).all;
        let [inputs, outputs] = channels(problem).map(|channels| channels.next_multiple_of(4));
        let [rows, terms] = match problem.pass {
            Pass::BackwardWeight => [inputs, tiles],
            Pass::Forward | Pass::BackwardInput => [tiles, inputs],
        };
        let [height, width] = self.tile();
        let workgroups = POINTS * self.workgroups(rows, outputs / 4);
        let numbers = [tiles * inputs, tiles * outputs, inputs * outputs].map(|n| (POINTS * n) as f64);
        let product = machine.time(Work {
            products: (workgroups * height * width * 4 * terms) as f64,
            bytes: 4.0 * numbers.iter().sum::<f64>(),
            workgroups,
            invocations: self.tiling.invocations(),
            efficiency: self.tiling.efficiency(&machine),
        });
        // What is not at a point is less than half of what is.
        let transform = |numbers: f64| {
            machine.time(Work {
                products: ADDITIONS * numbers,
                bytes: 1.5 * 4.0 * numbers,
                workgroups: capabilities.workgroups_wanted(),
                invocations: WORKGROUP,
                efficiency: ADDING,
            })
        };
        product + numbers.map(transform).iter().sum::<f64>()
    }

    /// The rows and the quads of columns of a product that a workgroup owns.
    fn tile(self) -> [usize; 2] {
        match self.tiling {
            Tiling::Subgroup(tile) => [32, tile.lanes],
            Tiling::Tiled(tile) => tile.size(),
        }
    }

    /// How many workgroups the product at one point has, of `rows` by `columns` quads.
    fn workgroups(self, rows: usize, columns: usize) -> usize {
        let [height, width] = self.tile();
        rows.div_ceil(height) * columns.div_ceil(width)
    }

    /// How many outputs a tile has along an axis, and so how far apart tiles lie.
    fn step(self) -> usize {
        7 - self.size
    }

    fn tiles(self, problem: &Problem) -> Tiles {
        let [_, output] = sides(problem);
        let along = output.map(|length| length.div_ceil(self.step()));
        Tiles { along, all: (problem.batch * along[0] * along[1]).next_multiple_of(BLOCK) }
    }

    /// Appends a forward pass or a gradient to the input.
    pub fn image(self, place: &mut Place<'_>, problem: &Problem, image: Image<'_>) {
        let Image { input, weight, bias, activation, output } = image;
        let tiles = self.tiles(problem);
        let (in_q, out_q) = (input.quads(), output.quads());
        let weight_tensor = self.weight_points(place, problem, weight, [in_q, out_q]);
        let input_tensor = self.input_points(place, problem, tiles, input);
        let product = points(place, "product", tiles.all * out_q);
        let Place { program, layer, .. } = place;
        let dispatch = match self.tiling {
            Tiling::Subgroup(tile) => Dispatch::new(layer, kernel!("conv2d/winograd_product_subgroup"))
                .size("LANES", tile.lanes)
                .read(input_tensor)
                .read(weight_tensor)
                .write(product)
                .uniform(tiles.all as u32)
                .uniform(in_q as u32)
                .uniform(out_q as u32),
            Tiling::Tiled(tile) => {
                as_columns(Dispatch::new(layer, kernel!("conv2d/forward_tiled")), tile, in_q, out_q)
                    .read(input_tensor)
                    .read(weight_tensor)
                    // There is no bias yet.
                    .read(weight_tensor)
                    .write(product)
                    .uniform((tiles.all / LINE) as u32)
                    .uniform(in_q.next_multiple_of(tile.step()) as u32)
            }
        };
        let dispatch = dispatch
            .groups(self.workgroups(tiles.all, out_q))
            .layers(POINTS)
            .flops(problem.batch as u64 * problem.convolution.flops());
        program.push(dispatch);
        let dispatch = Dispatch::new(layer, kernel!("conv2d/winograd_output"))
            .size("STEP", self.step())
            .size("BIAS", bias.is_some().into())
            .read(product)
            // Something must be bound; without a bias it is not read.
            .read(bias.unwrap_or(product))
            .write(output.tensor)
            .activation(activation);
        program.push(
            tiles.uniform(dispatch, output, output.shape.channels).invocations(tiles.all * out_q, WORKGROUP),
        );
    }

    /// Appends a gradient to the weight.
    pub fn weight(self, place: &mut Place<'_>, problem: &Problem, gradient: WeightGradient) {
        let WeightGradient { input, grad_output, grad_weight } = gradient;
        let tiles = self.tiles(problem);
        let (in_q, out_q) = (input.quads(), grad_output.quads());
        let input_tensor = self.input_points(place, problem, tiles, input);
        let grad_tensor = points(place, "grad_output", tiles.all * out_q);
        let product = points(place, "product", 4 * in_q * out_q);
        let Place { program, layer, capabilities } = place;
        let dispatch = Dispatch::new(layer, kernel!("conv2d/winograd_grad_output"))
            .size("STEP", self.step())
            .read(grad_output.tensor)
            .write(grad_tensor);
        program.push(tiles.uniform(dispatch, grad_output, out_q).invocations(tiles.all * out_q, WORKGROUP));

        let groups = self.workgroups(4 * in_q, out_q);
        let wanted = self.tiling.workgroups_wanted(POINTS * groups, capabilities);
        let splits = splits(tiles.all, 256, POINTS * groups, wanted);
        let span = tiles.all.div_ceil(splits).next_multiple_of(BLOCK).min(MAX_TERMS);
        let splits = tiles.all.div_ceil(span);
        let parts = Parts::new(program, layer, product, splits, POINTS * 4 * in_q * out_q);
        let kernel = match self.tiling {
            Tiling::Subgroup(_) => kernel!("conv2d/winograd_backward_weight_subgroup"),
            Tiling::Tiled(_) => kernel!("conv2d/backward_weight_tiled"),
        };
        let dispatch = Dispatch::new(layer, kernel).read(input_tensor).read(grad_tensor).write(parts.tensor);
        let dispatch = match self.tiling {
            Tiling::Subgroup(tile) => dispatch
                .size("LANES", tile.lanes)
                .uniform(tiles.all as u32)
                .uniform(span as u32)
                .uniform(in_q as u32)
                .uniform(out_q as u32),
            Tiling::Tiled(tile) => as_columns(dispatch, tile, in_q, out_q)
                .uniform((tiles.all / LINE) as u32)
                .uniform(span as u32),
        };
        let dispatch = dispatch
            .groups(groups)
            .layers(POINTS * splits)
            .flops(problem.batch as u64 * problem.convolution.flops());
        program.push(dispatch);
        parts.finish(program, layer);
        let dispatch = Dispatch::new(layer, kernel!("conv2d/winograd_grad_weight"))
            .size("SIZE", self.size)
            .read(product)
            .write(grad_weight)
            .uniform((4 * in_q * out_q) as u32)
            .invocations(4 * in_q * out_q, WORKGROUP);
        program.push(dispatch);
    }

    /// Appends the transform of the input.
    fn input_points(
        self,
        place: &mut Place<'_>,
        problem: &Problem,
        tiles: Tiles,
        input: Activation,
    ) -> TensorId {
        let transformed = points(place, "input", tiles.all * input.quads());
        let Slide { pad, .. } = Slide::new(&problem.convolution.geometry, problem.way());
        let dispatch = Dispatch::new(place.layer, kernel!("conv2d/winograd_input"))
            .read(input.tensor)
            .write(transformed)
            .uniform(input.batch as u32)
            .uniform(input.shape.height as u32)
            .uniform(input.shape.width as u32)
            .uniform(input.quads() as u32)
            .uniform(tiles.along[0] as u32)
            .uniform(tiles.along[1] as u32)
            .uniform(self.step() as u32)
            // Two's complement: they may be negative.
            .uniform(pad[0] as u32)
            .uniform(pad[1] as u32)
            .uniform(tiles.all as u32)
            .invocations(tiles.all * input.quads(), WORKGROUP);
        place.program.push(dispatch);
        transformed
    }

    /// Appends the transform of the weight.
    fn weight_points(
        self,
        place: &mut Place<'_>,
        problem: &Problem,
        weight: TensorId,
        [in_q, out_q]: [usize; 2],
    ) -> TensorId {
        let transformed = points(place, "weight", 4 * in_q * out_q);
        let dispatch = Dispatch::new(place.layer, kernel!("conv2d/winograd_weight"))
            .size("SIZE", self.size)
            .size("TURNED", (problem.pass == Pass::BackwardInput).into())
            .read(weight)
            .write(transformed)
            .uniform(in_q as u32)
            .uniform(out_q as u32)
            .invocations(16 * in_q * out_q, WORKGROUP);
        place.program.push(dispatch);
        transformed
    }
}

impl Tiles {
    /// The uniform of the transforms on the side of the outputs, which count their channels differently.
    fn uniform(self, dispatch: Dispatch, image: Activation, channels: usize) -> Dispatch {
        dispatch
            .uniform(image.batch as u32)
            .uniform(image.shape.height as u32)
            .uniform(image.shape.width as u32)
            .uniform(channels as u32)
            .uniform(self.along[0] as u32)
            .uniform(self.along[1] as u32)
            .uniform(self.all as u32)
    }
}

/// Tells a tiled kernel of convolution that the input at each point is an image for every [`LINE`] tiles, as wide as
/// these, as high as there are quads of channels, and of four channels; a kernel covers a column of it.
fn as_columns(dispatch: Dispatch, tile: Tile, in_q: usize, out_q: usize) -> Dispatch {
    tile.constants(dispatch)
        .in_f32()
        .size("POINTS", POINTS)
        .size("IN_H", in_q)
        .size("IN_W", LINE)
        .size("IN_C", 4)
        .size("OUT_W", LINE)
        .size("OUT_C", 4 * out_q)
        .size("KERNEL_H", in_q)
}

/// A tensor of so many vec4 at each point, which lives as long as the pass.
fn points(place: &mut Place<'_>, what: &str, quads: usize) -> TensorId {
    let label = format!("{}.{what} (36 points)", place.layer);
    place.program.tensor(label, POINTS * quads * 16)
}

/// Heights and widths of the images that a pass goes from and to; the gradient to the weight is of the forward pass.
fn sides(problem: &Problem) -> [[usize; 2]; 2] {
    let Geometry { input, output, .. } = problem.convolution.geometry;
    match problem.way() {
        Direction::Forward => [input, output],
        Direction::Transposed => [output, input],
    }
}

/// The channels of these images.
fn channels(problem: &Problem) -> [usize; 2] {
    let way = problem.way();
    [way, way.turned()].map(|way| problem.convolution.image(way).channels)
}
