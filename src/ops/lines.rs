//! What operators that work along one axis share: how the lines along it lie in memory. No operator of its own.

use super::program::{Activation, Dispatch, Kernel};
use super::registry::Attributes;
use super::{Refusal, elementwise, single_input};
use crate::shape::Shape;

/// The number of invocations in a workgroup of the kernels here.
const WORKGROUP_SIZE: usize = 64;

/// How many quads of a line an invocation should have before the line is shared by more of them.
const QUADS_WORTHWHILE: usize = 4;

/// The most loop iterations that an invocation may run: some drivers cut off what comes after.
const MAX_ITERATIONS: usize = 65_535;

/// An axis of an NCHW tensor. The batch, axis 0, is none: samples do not know of one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis(pub usize);

impl Axis {
    /// The axis of the channels.
    pub const CHANNELS: Self = Self(1);

    /// The axis that the attributes say, the channels where they say none.
    ///
    /// # Errors
    /// Where attribute `axis` is not a whole number from 0.
    pub fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        Ok(Self(attributes.usize("axis", Self::CHANNELS.0)?))
    }

    /// The lines along the axis in the one input.
    ///
    /// # Errors
    /// No input or more than one; an axis that is none of 1, 2 and 3; an input too long along it.
    pub fn lines(self, inputs: &[Shape]) -> Result<Lines, Refusal> {
        let shape = single_input(inputs)?;
        let quads = shape.channels.div_ceil(4);
        let (length, inner, name) = match self.0 {
            1 => (quads, 1, "channels"),
            2 => (shape.height, shape.width * quads, "rows"),
            3 => (shape.width, quads, "columns"),
            other => {
                return Err(format!("axis is {other}; it must be 1 (channels), 2 (height) or 3 (width)"));
            }
        };
        let lines = Lines { length, inner, across: self == Self::CHANNELS };
        // A line is gone through twice.
        let most = lines.lanes() * (MAX_ITERATIONS / 2);
        if length > most {
            let (given, most) = if lines.across { (shape.channels, 4 * most) } else { (length, most) };
            return Err(format!("the input has {given} {name}; along axis {} at most {most} fit", self.0));
        }
        Ok(lines)
    }
}

/// The lines of a sample: runs of quads along an axis. Along the channels a line is one pixel and its quads are one
/// sequence; along height and width each of a quad's four channels has a sequence of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines {
    /// Quads in a line.
    length: usize,
    /// Quads from one of a line to the next: so many lines lie side by side.
    inner: usize,
    across: bool,
}

impl Lines {
    /// How many invocations share a line, a power of two: one where enough lines lie side by side to read memory in
    /// one piece, else as many as have something to do.
    fn lanes(&self) -> usize {
        let side_by_side = 1 << self.inner.clamp(1, WORKGROUP_SIZE).ilog2();
        let useful = self.length.div_ceil(QUADS_WORTHWHILE).next_power_of_two();
        useful.clamp(1, WORKGROUP_SIZE / side_by_side)
    }

    /// A dispatch of `kernel` over the lines of `of`, `operations` for each element. Workgroups own
    /// `64 / LANES` lines.
    pub fn dispatch(&self, layer: &str, kernel: Kernel, of: Activation, operations: u64) -> Dispatch {
        let (lines, lanes) = (of.total_quads() / self.length.max(1), self.lanes());
        Dispatch::new(layer, kernel)
            .size("CHANNELS", of.shape.channels)
            .size("LENGTH", self.length)
            .size("INNER", self.inner)
            .size("LANES", lanes)
            .constant("ACROSS", self.across)
            .uniform(lines as u32)
            .invocations(lines * lanes, WORKGROUP_SIZE)
            .flops(operations * elementwise::elements(of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_read_memory_in_one_piece() {
        for (axis, shape, lanes) in [
            (1, [3, 8, 8], 1),
            (1, [21, 8, 8], 2),
            (1, [1000, 1, 1], 64),
            (1, [100_000, 1, 1], 64),
            (2, [64, 224, 224], 1),
            (2, [3, 224, 7], 16),
            (3, [3, 7, 224], 64),
            (3, [64, 7, 7], 2),
        ] {
            let lines = Axis(axis).lines(&[shape.into()]).unwrap();
            assert_eq!(lines.lanes(), lanes, "axis {axis} of {shape:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (axis, shape, expected) in [
            (0, [3, 4, 5], "axis is 0; it must be 1 (channels), 2 (height) or 3 (width)"),
            (4, [3, 4, 5], "axis is 4; it must be"),
            (1, [1 << 24, 1, 1], "the input has 16777216 channels; along axis 1 at most 8388352 fit"),
            (2, [64, 40_000, 40], "the input has 40000 rows; along axis 2 at most 32767 fit"),
        ] {
            let message = Axis(axis).lines(&[shape.into()]).unwrap_err();
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
        let message = Axis(1).lines(&[Shape::features(2); 3]).unwrap_err();
        assert!(message.contains("one input, got 3"), "{message}");
        assert!(Axis(3).lines(&[Shape::new(3, 4, 40_000)]).is_ok());
    }
}
