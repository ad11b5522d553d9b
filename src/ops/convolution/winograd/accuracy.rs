//! Where the error of this filtering stays within the bound of a direct sum.

use super::super::Direction;
use super::super::problem::{Pass, Problem};
use super::super::slide::Slide;
use super::filtering::Filtering;
use super::sides;

/// Whether the error stays within the bound of a direct sum, on what a network computes with: dense or after a ReLU,
/// positive or of both signs. docs/winograd.md has the errors that were measured.
pub(super) fn is_accurate(problem: &Problem, filtering: Filtering) -> bool {
    let Filtering { outputs, taps } = filtering;
    let [input, output] = sides(problem);
    match problem.pass {
        // The gradient of a tap at the edge sums over the fewest pixels.
        Pass::BackwardWeight => {
            let least = if taps == 3 { 256 } else { 1024 };
            let [top, left, bottom, right] = problem.convolution.geometry.padding;
            let within = |axis: usize, before: usize, after: usize| {
                output[axis].min(input[axis]).saturating_sub(before.max(after))
            };
            problem.direction == Direction::Forward
                && problem.batch * within(0, top, bottom) * within(1, left, right) >= least
        }
        Pass::Forward | Pass::BackwardInput => {
            let Slide { pad, .. } = Slide::new(&problem.convolution.geometry, problem.way());
            // The shortest image, and the fewest channels.
            let (shortest, fewest) = match (outputs, taps) {
                (4, 3) => (2, 32),
                // A tile of 8 x 8 that is nearly empty: what it does not hold cancels out of larger numbers.
                (4, 5) => (4, 32),
                _ => (2, 16),
            };
            // An output with few taps inside the image would be a small difference of large numbers.
            let most = (taps / 2) as isize;
            let inside = |axis: usize| {
                let after = (output[axis] + taps - 1) as isize - input[axis] as isize - pad[axis];
                pad[axis].max(after) <= most && input[axis] >= shortest
            };
            let channels = problem.convolution.image(problem.way()).channels;
            inside(0) && inside(1) && channels >= fewest
        }
    }
}
