//! Which minimal filtering computes a convolution.

use super::super::problem::Problem;
use super::accuracy;
use crate::shape::Geometry;

/// Of `outputs` outputs of a kernel of `taps` taps, along either axis: F(outputs x outputs, taps x taps).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filtering {
    pub outputs: usize,
    pub taps: usize,
}

impl Filtering {
    /// The one with the fewest multiplications whose error is within the bound of a direct sum, if there is any.
    pub fn of(problem: &Problem) -> Option<Self> {
        let convolution = &problem.convolution;
        let Geometry { kernel, stride, dilation, .. } = convolution.geometry;
        let all: &[Self] = match (kernel, stride, dilation) {
            ([3, 3], [1, 1], [1, 1]) => &[Self { outputs: 4, taps: 3 }],
            ([5, 5], [1, 1], [1, 1]) => &[Self { outputs: 4, taps: 5 }, Self { outputs: 2, taps: 5 }],
            _ => &[],
        };
        // The rows of a tap are whole quads in a weight from four input channels on.
        let channels = convolution.groups == 1 && convolution.inputs.min(convolution.outputs) >= 4;
        all.iter().copied().find(|filtering| channels && accuracy::is_accurate(problem, *filtering))
    }

    /// The points along an axis, which is also how many pixels a tile has.
    pub fn side(self) -> usize {
        self.outputs + self.taps - 1
    }

    /// The points of a tile.
    pub fn points(self) -> usize {
        self.side() * self.side()
    }
}
