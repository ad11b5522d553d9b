//! About how long a pass takes.

use super::super::super::machine::{Machine, Work};
use super::super::cut::Cut;
use super::super::problem::{Pass, Problem};
use super::chunks::Extent;
use super::{WORKGROUP, Winograd};
use crate::gpu::Capabilities;

/// About how many additions a transform makes for a number that it reads or writes at a point.
const ADDITIONS: f64 = 5.0;

/// Which part of a device's multiply-adds its additions reach.
const ADDING: f64 = 0.2;

/// What a transform reads or writes that is not at a point, for each number that is: half of one at most.
const OUTSIDE: f64 = 0.5;

impl Winograd {
    /// About how long it takes, in the multiply-adds of [`Machine`].
    pub fn estimate(self, problem: &Problem, capabilities: &Capabilities) -> f64 {
        let machine = Machine::of(capabilities);
        let one = self.chunks.one();
        let [tiles, outputs] = [self.chunks.tiles(), self.chunks.outputs()];
        let bytes = one.quads().map(|quads| 16.0 * quads as f64);
        // The next dispatches meet both images of a chunk at the points, but one weight.
        let images = machine.left_behind(bytes[0] + bytes[1]);
        let weight = machine.left_behind(bytes[2]);
        let transform = |quads: usize, invocation: usize, left: f64| {
            let numbers = 4.0 * quads as f64;
            machine.time(Work {
                products: ADDITIONS * numbers,
                bytes: 4.0 * numbers * (OUTSIDE + left),
                workgroups: (quads / one.points * invocation).div_ceil(WORKGROUP),
                invocations: WORKGROUP,
                efficiency: ADDING,
            })
        };
        let mut time = 0.0;
        for outputs in &outputs {
            let chunk = Extent { outputs: outputs.len(), ..one };
            // A weight is transformed by one invocation for each number, its gradient by one for each quad.
            let each = if problem.pass == Pass::BackwardWeight { 1 } else { 4 };
            time += transform(chunk.quads()[2], each, weight);
            for tiles in &tiles {
                let chunk = Extent { tiles: tiles.len(), ..chunk };
                let [input, output, _] = chunk.quads();
                if outputs.start == 0 {
                    time += transform(input, 1, images);
                }
                time +=
                    transform(output, 1, images) + self.products(problem, chunk, [images, weight], &machine);
            }
        }
        // A gradient to the weight adds up its chunks.
        let parts = if problem.pass == Pass::BackwardWeight { tiles.len() } else { 1 };
        if parts > 1 { time + machine.moving((parts + 1) as f64 * bytes[2]) } else { time }
    }

    /// The products at all points.
    fn products(self, problem: &Problem, chunk: Extent, left: [f64; 2], machine: &Machine) -> f64 {
        let Extent { points, tiles, inputs, outputs } = chunk;
        let [rows, terms] = match problem.pass {
            Pass::BackwardWeight => [4 * inputs, tiles],
            Pass::Forward | Pass::BackwardInput => [tiles, 4 * inputs],
        };
        let [height, width] = self.tile();
        let workgroups = points * self.workgroups(rows, outputs);
        let [input, output, weight] = chunk.quads().map(|quads| 16.0 * quads as f64);
        machine.time(Work {
            products: (workgroups * height * width * 4 * terms) as f64,
            bytes: left[0] * (input + output) + left[1] * weight,
            workgroups,
            invocations: self.tiling.invocations(),
            efficiency: self.tiling.efficiency(machine),
        })
    }
}
