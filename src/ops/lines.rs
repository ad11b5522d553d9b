//! What operators that work along one axis share: how the lines along it lie in memory. No operator of its own.

use super::program::{Activation, Dispatch, Kernel, quads};
use super::{Refusal, elementwise, single_input};
use crate::shape::{Axis, Shape};

/// The number of invocations in a workgroup of the kernels here.
const WORKGROUP_SIZE: usize = 64;

/// How many quads of a line an invocation should have before the line is shared by more of them.
const QUADS_WORTHWHILE: usize = 4;

/// The most loop iterations that an invocation may run: some drivers cut off what comes after.
const MAX_ITERATIONS: usize = 65_535;

/// How many invocations share a line of so many quads, a power of two: as many as have something to do.
pub(crate) fn lanes(quads: usize) -> usize {
    quads.div_ceil(QUADS_WORTHWHILE).next_power_of_two().min(WORKGROUP_SIZE)
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
    /// The lines along an axis of the one input.
    ///
    /// # Errors
    /// No input or more than one; an input too long along the axis.
    pub fn along(axis: Axis, inputs: &[Shape]) -> Result<Self, Refusal> {
        let shape = single_input(inputs)?;
        let quads = quads(shape.channels);
        let (length, inner) = match axis {
            Axis::Channels => (quads, 1),
            Axis::Height => (shape.height, shape.width * quads),
            Axis::Width => (shape.width, quads),
        };
        let lines = Self { length, inner, across: axis == Axis::Channels };
        // A line is gone through twice.
        let most = lines.lanes() * (MAX_ITERATIONS / 2);
        if length > most {
            let most = if lines.across { 4 * most } else { most };
            let size = shape.sizes()[axis.index()];
            return Err(format!("the input's size along the {axis} is {size}; it must be at most {most}"));
        }
        Ok(lines)
    }

    /// How many invocations share a line, a power of two: one where enough lines lie side by side to read memory in
    /// one piece, else as many as have something to do.
    fn lanes(&self) -> usize {
        let side_by_side = 1 << self.inner.clamp(1, WORKGROUP_SIZE).ilog2();
        lanes(self.length).min(WORKGROUP_SIZE / side_by_side)
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
            (Axis::Channels, [3, 8, 8], 1),
            (Axis::Channels, [21, 8, 8], 2),
            (Axis::Channels, [1000, 1, 1], 64),
            (Axis::Channels, [100_000, 1, 1], 64),
            (Axis::Height, [64, 224, 224], 1),
            (Axis::Height, [3, 224, 7], 16),
            (Axis::Width, [3, 7, 224], 64),
            (Axis::Width, [64, 7, 7], 2),
        ] {
            let lines = Lines::along(axis, &[shape.into()]).unwrap();
            assert_eq!(lines.lanes(), lanes, "along the {axis} of {shape:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (axis, shape, size, most) in [
            (Axis::Channels, [1 << 24, 1, 1], 1 << 24, 8_388_352),
            (Axis::Height, [64, 40_000, 40], 40_000, 32_767),
        ] {
            let message = Lines::along(axis, &[shape.into()]).unwrap_err();
            assert_eq!(
                message,
                format!("the input's size along the {axis} is {size}; it must be at most {most}")
            );
        }
        let message = Lines::along(Axis::Channels, &[Shape::features(2); 3]).unwrap_err();
        assert!(message.contains("one input, got 3"), "{message}");
        assert!(Lines::along(Axis::Width, &[Shape::new(3, 4, 40_000)]).is_ok());
    }
}
