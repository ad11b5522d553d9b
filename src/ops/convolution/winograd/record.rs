//! The dispatches of a pass.

use std::ops::Range;

use super::super::super::program::{Activation, Dispatch, TensorId, kernel};
use super::super::super::reduce::{MAX_TERMS, Parts, splits};
use super::super::cut::Cut;
use super::super::problem::{Image, Pass, Problem, WeightGradient};
use super::super::slide::Slide;
use super::super::tile;
use super::super::tiling::Tiling;
use super::super::variant::Place;
use super::{BLOCK, LINE, WORKGROUP, Winograd, tiles};
use crate::shape::Shape;

/// A chunk: its tiles, and its quads of output channels.
#[derive(Debug, Clone)]
struct Chunk {
    tiles: Range<usize>,
    outputs: Range<usize>,
}

impl Winograd {
    /// Appends a forward pass or a gradient to the input.
    pub fn image(self, place: &mut Place<'_>, problem: &Problem, image: Image<'_>) {
        let one = self.chunks.one();
        let input = self.points(place, "input", one.tiles * one.inputs);
        let product = self.points(place, "product", one.tiles * one.outputs);
        for outputs in self.chunks.outputs() {
            let weight = self.weight_points(place, problem, image, &outputs);
            for tiles in self.chunks.tiles() {
                // Chunks of channels share their input.
                if outputs.start == 0 {
                    self.input_points(place, problem, image.input, &tiles, input);
                }
                let chunk = Chunk { tiles, outputs: outputs.clone() };
                self.product(place, problem, &chunk, [input, weight, product]);
                self.output(place, problem, image, &chunk, product);
            }
        }
    }

    /// Appends a gradient to the weight.
    pub fn weight(self, place: &mut Place<'_>, problem: &Problem, gradient: WeightGradient) {
        let WeightGradient { input, grad_output, grad_weight } = gradient;
        let one = self.chunks.one();
        let input_tensor = self.points(place, "input", one.tiles * one.inputs);
        let grad_tensor = self.points(place, "grad_output", one.tiles * one.outputs);
        let product = self.points(place, "product", 4 * one.inputs * one.outputs);
        let tiles = self.chunks.tiles();
        for outputs in self.chunks.outputs() {
            let quads = one.points * 4 * one.inputs * outputs.len();
            let span = self.span(place, one.tiles, outputs.len());
            let count = tiles.iter().map(|tiles| tiles.len().div_ceil(span)).sum();
            let product = place.program.part(product, 0, 16 * quads as u64);
            let parts = Parts::new(place.program, place.layer, product, count, quads);
            let mut first = 0;
            for tiles in &tiles {
                if outputs.start == 0 {
                    self.input_points(place, problem, input, tiles, input_tensor);
                }
                let chunk = Chunk { tiles: tiles.clone(), outputs: outputs.clone() };
                let dispatch = Dispatch::new(place.layer, kernel!("conv2d/winograd_grad_output"))
                    .wide()
                    .size("STEP", self.filtering.outputs)
                    .read(grad_output.tensor)
                    .write(grad_tensor);
                let dispatch = self.uniform(dispatch, problem, grad_output, &chunk);
                let dispatch = self.lines(dispatch, place, tiles.len() * outputs.len());
                place.program.push(dispatch);
                let splits = tiles.len().div_ceil(span);
                let bytes = 16 * quads as u64;
                let to = place.program.part(parts.tensor, first as u64 * bytes, splits as u64 * bytes);
                self.gradients(place, problem, &chunk, [input_tensor, grad_tensor, to], span);
                first += splits;
            }
            parts.finish(place.program, place.layer);
            let dispatch = Dispatch::new(place.layer, kernel!("conv2d/winograd_grad_weight"))
                .wide()
                .size("SIZE", self.filtering.taps)
                .size("SIDE", self.filtering.side())
                .constant("ROLLED", place.capabilities.software)
                .read(product)
                .write(grad_weight)
                .uniform_sizes(&[4 * one.inputs, grad_output.quads(), outputs.start, outputs.len()])
                .uniform_sizes(&[self.filtering.side(), self.filtering.taps])
                .invocations(4 * one.inputs * outputs.len(), WORKGROUP);
            place.program.push(dispatch);
        }
    }

    /// How many tiles a part of the gradient to the weight sums up.
    fn span(self, place: &Place<'_>, tiles: usize, outputs: usize) -> usize {
        let groups = self.filtering.points() * self.workgroups(4 * self.chunks.one().inputs, outputs);
        let wanted = self.tiling.workgroups_wanted(groups, place.capabilities);
        let splits = splits(tiles, 256, groups, wanted);
        tiles.div_ceil(splits).next_multiple_of(BLOCK).min(MAX_TERMS)
    }

    /// Appends the products of a forward pass or a gradient to the input.
    fn product(self, place: &mut Place<'_>, problem: &Problem, chunk: &Chunk, tensors: [TensorId; 3]) {
        let [input, weight, product] = tensors;
        let (tiles, inputs, outputs) = (chunk.tiles.len(), self.chunks.one().inputs, chunk.outputs.len());
        let dispatch = match self.tiling {
            Tiling::Subgroup(tile) => Dispatch::new(place.layer, kernel!("conv2d/winograd_product_subgroup"))
                .wide()
                .size("POINTS", self.filtering.points())
                .size("LANES", tile.lanes)
                .read(input)
                .read(weight)
                .write(product)
                .uniform_sizes(&[tiles, inputs, outputs]),
            Tiling::Tiled(tile) => {
                let dispatch = tile
                    .pass(place.layer, 4, inputs)
                    .read(input)
                    .read(weight)
                    // There is no bias yet.
                    .read(weight)
                    .write(product)
                    .uniform_sizes(&[tiles / LINE, inputs.next_multiple_of(tile.step())]);
                self.as_columns(dispatch, inputs, outputs)
            }
        };
        let dispatch = dispatch
            .groups(self.workgroups(tiles, outputs))
            .layers(self.filtering.points())
            .flops(self.flops(problem, chunk));
        place.program.push(dispatch);
    }

    /// Appends the products of a gradient to the weight, in parts of `span` tiles each.
    fn gradients(
        self,
        place: &mut Place<'_>,
        problem: &Problem,
        chunk: &Chunk,
        tensors: [TensorId; 3],
        span: usize,
    ) {
        let [input, grad_output, parts] = tensors;
        let (tiles, inputs, outputs) = (chunk.tiles.len(), self.chunks.one().inputs, chunk.outputs.len());
        let dispatch = match self.tiling {
            Tiling::Subgroup(tile) => {
                Dispatch::new(place.layer, kernel!("conv2d/winograd_backward_weight_subgroup"))
                    .wide()
                    .size("POINTS", self.filtering.points())
                    .size("LANES", tile.lanes)
                    .uniform_sizes(&[tiles, span, inputs, outputs])
            }
            Tiling::Tiled(tile) => {
                let dispatch = tile.backward_weight(place.layer).uniform_sizes(&[tiles / LINE, span]);
                self.as_columns(dispatch.size("POINT_PIXELS", LINE), inputs, outputs)
            }
        };
        let dispatch = dispatch.read(input).read(grad_output).write(parts);
        let dispatch = dispatch
            .groups(self.workgroups(4 * inputs, outputs))
            .layers(self.filtering.points() * tiles.div_ceil(span))
            .flops(self.flops(problem, chunk));
        place.program.push(dispatch);
    }

    /// What a chunk has of the multiply-adds of the direct form.
    fn flops(self, problem: &Problem, chunk: &Chunk) -> u64 {
        let all = self.chunks.whole();
        let whole = problem.batch as u64 * problem.convolution.flops();
        let upto =
            |part: usize| (u128::from(whole) * part as u128 / (all.tiles * all.outputs) as u128) as u64;
        // Rounded so that all chunks together have all.
        let before = chunk.tiles.start * all.outputs + chunk.outputs.start * all.tiles;
        upto(before + chunk.tiles.len() * chunk.outputs.len()) - upto(before)
    }

    /// Appends the transform of a chunk's products to what the pass writes.
    fn output(
        self,
        place: &mut Place<'_>,
        problem: &Problem,
        image: Image<'_>,
        chunk: &Chunk,
        product: TensorId,
    ) {
        let Image { bias, activation, output, .. } = image;
        let dispatch = Dispatch::new(place.layer, kernel!("conv2d/winograd_output"))
            .wide()
            .size("STEP", self.filtering.outputs)
            .size("SIDE", self.filtering.side())
            .constant("ROLLED", place.capabilities.software)
            .size("BIAS", bias.is_some().into())
            .read(product)
            // Something must be bound; without a bias it is not read.
            .read(bias.unwrap_or(product))
            .write(output.tensor)
            .activation(activation)
            .invocations(chunk.tiles.len() * chunk.outputs.len(), WORKGROUP);
        place.program.push(self.uniform(dispatch, problem, output, chunk));
    }

    /// The uniform of the transforms on the side of the outputs.
    fn uniform(self, dispatch: Dispatch, problem: &Problem, image: Activation, chunk: &Chunk) -> Dispatch {
        let [rows, columns] = tiles(problem, self.filtering);
        dispatch.uniform_sizes(&[
            image.batch,
            image.shape.height,
            image.shape.width,
            image.shape.channels,
            rows,
            columns,
            chunk.tiles.start,
            chunk.tiles.len(),
            chunk.outputs.start,
            chunk.outputs.len(),
            self.filtering.side(),
            self.filtering.outputs,
        ])
    }

    /// Appends the transform of some tiles of the input.
    fn input_points(
        self,
        place: &mut Place<'_>,
        problem: &Problem,
        input: Activation,
        range: &Range<usize>,
        transformed: TensorId,
    ) {
        let Slide { pad, .. } = Slide::new(&problem.convolution.geometry, problem.way());
        let [rows, columns] = tiles(problem, self.filtering);
        let dispatch = Dispatch::new(place.layer, kernel!("conv2d/winograd_input"))
            .wide()
            .read(input.tensor)
            .write(transformed)
            .uniform_sizes(&[
                input.batch,
                input.shape.height,
                input.shape.width,
                input.quads(),
                rows,
                columns,
                self.filtering.outputs,
                self.filtering.side(),
            ])
            // Two's complement: they may be negative.
            .uniform(pad[0] as u32)
            .uniform(pad[1] as u32)
            .uniform_sizes(&[range.start, range.len()]);
        place.program.push(self.lines(dispatch, place, range.len() * input.quads()));
    }

    /// Appends the transform of the weight to some quads of outputs. Each chunk has a tensor of its own: where the
    /// parameters stay as they are, all are made once.
    fn weight_points(
        self,
        place: &mut Place<'_>,
        problem: &Problem,
        image: Image<'_>,
        range: &Range<usize>,
    ) -> TensorId {
        let inputs = self.chunks.one().inputs;
        let transformed = self.points(place, "weight", 4 * inputs * range.len());
        let dispatch = Dispatch::new(place.layer, kernel!("conv2d/winograd_weight"))
            .size("SIZE", self.filtering.taps)
            .size("SIDE", self.filtering.side())
            .constant("ROLLED", place.capabilities.software)
            .size("TURNED", (problem.pass == Pass::BackwardInput).into())
            // What an invocation reads for a step of the sum together: rows of many channels lie apart by a power of
            // two, so that they share a few sets of a cache. Tiles in workgroup memory are read by all invocations.
            .size("BLOCKS", matches!(self.tiling, Tiling::Subgroup(_)).into())
            .read(image.weight)
            .write(transformed)
            .uniform_sizes(&[inputs, image.output.quads(), range.start, range.len()])
            .uniform_sizes(&[self.filtering.side(), self.filtering.taps])
            .invocations(16 * inputs * range.len(), WORKGROUP);
        place.program.push(dispatch);
        transformed
    }

    /// Tells a tiled kernel of convolution that its image at each point, of every [`LINE`] tiles, is as wide as these, as
    /// high as there are quads of channels, and of four channels; a kernel covers a column of it.
    fn as_columns(self, dispatch: Dispatch, in_q: usize, out_q: usize) -> Dispatch {
        let [input, output] = [Shape::new(4, in_q, LINE), Shape::new(4 * out_q, 1, LINE)];
        let dispatch = dispatch.in_f32().size("POINTS", self.filtering.points());
        tile::images(dispatch, &Slide::column(in_q), input, output)
    }

    /// Tells a transform of so many quads to points how many points there are, and which of them an invocation owns.
    fn lines(self, dispatch: Dispatch, place: &Place<'_>, quads: usize) -> Dispatch {
        // A GPU's invocations would need too many registers for all of them; a processor keeps them in memory anyway.
        let halves = !place.capabilities.software;
        let workgroups = quads.div_ceil(WORKGROUP) * if halves { 2 } else { 1 };
        dispatch.size("SIDE", self.filtering.side()).constant("HALVES", halves).groups(workgroups)
    }

    /// A tensor of so many vec4 at each point, which lives as long as the pass.
    fn points(self, place: &mut Place<'_>, what: &str, quads: usize) -> TensorId {
        let points = self.filtering.points();
        let label = format!("{}.{what} ({points} points)", place.layer);
        place.program.tensor(label, points * quads * 16)
    }
}
