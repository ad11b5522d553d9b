//! What adaptive and global pools share: the windows that divide an image, and how their dispatches are set up. No
//! operator of its own.

use std::ops::Range;

use super::program::{Activation, Dispatch, Kernel, MAX_ITERATIONS};
use super::registry::Attributes;
use super::{Cost, Refusal, reduce, single_input};
use crate::shape::{Geometry, Shape};

/// The number of invocations in a workgroup of the kernels here.
pub(super) const WORKGROUP_SIZE: usize = 64;

/// The least number of pixels of which a window's part is worth a workgroup of its own.
const LEAST_PIXELS: usize = 512;

/// About as many workgroups as keep a large device busy.
const WANTED_WORKGROUPS: usize = 256;

/// The `output_size` that the attributes say.
///
/// # Errors
/// Says that it is missing or cannot be read.
pub(super) fn output_size(attributes: &Attributes) -> Result<[usize; 2], Refusal> {
    match attributes.sizes("output_size", [0; 2])? {
        [0, 0] => Err("attribute output_size is missing; it must be [height, width], each at least 1".into()),
        size => Ok(size),
    }
}

/// What a pool costs: an operation for each element of each window.
pub(super) fn cost(windows: Result<Windows, Refusal>) -> Cost {
    Cost { flops: windows.map_or(0, |windows| windows.elements()) }
}

/// Images of `input` rows and columns, divided into `output` rows and columns of windows.
///
/// Along an axis window i covers `floor(i · input / output) .. ceil((i + 1) · input / output)`, as in PyTorch:
/// together they cover the image, and they overlap where the one is not a multiple of the other.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Windows {
    channels: usize,
    pub input: [usize; 2],
    pub output: [usize; 2],
}

impl Windows {
    /// The windows of a pool with this `output_size` on its one input.
    ///
    /// # Errors
    /// No input or more than one; an `output_size` of zero, or one so large that the kernels' indices overflow or
    /// that a pixel lies in more windows than one invocation may go through.
    pub fn over(output: [usize; 2], inputs: &[Shape]) -> Result<Self, Refusal> {
        let shape = single_input(inputs)?;
        let windows = Self { channels: shape.channels, input: [shape.height, shape.width], output };
        for (axis, name) in ["height", "width"].into_iter().enumerate() {
            let (size, count) = (windows.input[axis], output[axis]);
            if count == 0 {
                return Err(format!("output_size is 0 along the {name}; it must be at least 1"));
            }
            let most = u32::MAX as usize / (size + 1);
            if count > most {
                return Err(format!(
                    "output_size is {count} along the {name}; for an input of {size} it must be at most {most}"
                ));
            }
        }
        let [rows, columns] = windows.windows_of_a_pixel();
        if rows * columns > MAX_ITERATIONS {
            return Err(format!(
                "output_size is {output:?} for an input of {:?}: a pixel is in up to {rows} x {columns} windows, and \
                 at most {MAX_ITERATIONS} are allowed; a smaller output would fit",
                windows.input,
            ));
        }
        Ok(windows)
    }

    /// One window over all of the one input.
    ///
    /// # Errors
    /// No input or more than one.
    pub fn global(inputs: &[Shape]) -> Result<Self, Refusal> {
        Self::over([1, 1], inputs)
    }

    /// The shape of the pool's output.
    pub fn output_shape(&self) -> Shape {
        Shape::new(self.channels, self.output[0], self.output[1])
    }

    /// Whether each window is one pixel: the pool gives back its input.
    pub fn is_identity(&self) -> bool {
        self.input == self.output
    }

    /// The rows (`axis` 0) or columns (1) that window `position` covers.
    pub fn range(&self, axis: usize, position: usize) -> Range<usize> {
        let (size, count) = (self.input[axis], self.output[axis]);
        position * size / count..((position + 1) * size).div_ceil(count)
    }

    /// The height and the width of the largest window.
    fn largest(&self) -> [usize; 2] {
        let along = |axis: usize| (0..self.output[axis]).map(|i| self.range(axis, i).len()).max();
        [along(0).unwrap_or(0), along(1).unwrap_or(0)]
    }

    /// The number of pixels in the largest window.
    pub fn largest_pixels(&self) -> usize {
        let [height, width] = self.largest();
        height * width
    }

    /// The largest window at the average distance, rounded down: for the receptive field.
    pub fn geometry(&self) -> Geometry {
        let stride = [0, 1].map(|axis| (self.input[axis] / self.output[axis]).max(1));
        Geometry {
            kernel: self.largest(),
            stride,
            dilation: [1; 2],
            padding: [0; 4],
            input: self.input,
            output: self.output,
        }
    }

    /// How many elements the windows of one sample have together.
    fn elements(&self) -> u64 {
        let along =
            |axis: usize| (0..self.output[axis]).map(|i| self.range(axis, i).len() as u64).sum::<u64>();
        along(0) * along(1) * self.channels as u64
    }

    /// How many invocations share a window of an activation with so many quads a pixel, a power of two. It does not
    /// rest on the batch, for which no pipeline is made anew: where one sample has windows enough, each has one.
    fn lanes(&self, quads: usize) -> usize {
        let windows = (self.output[0] * self.output[1] * quads).next_power_of_two();
        // An invocation should have some pixels to read before it waits for the others.
        let worthwhile = 1 << (self.largest_pixels() / 4).max(1).ilog2();
        (WORKGROUP_SIZE / windows).clamp(1, worthwhile)
    }

    /// Into how many parts the windows of `output` are split, each a workgroup's.
    pub fn parts(&self, output: Activation) -> usize {
        let lanes = self.lanes(output.quads());
        let workgroups = output.total_quads().div_ceil(WORKGROUP_SIZE / lanes);
        let iterations = self.largest_pixels().div_ceil(lanes);
        reduce::splits(iterations, LEAST_PIXELS / lanes, workgroups, WANTED_WORKGROUPS)
    }

    /// A dispatch of a forward kernel, in which `parts` workgroups join in on each window of `output`.
    pub fn reduce(&self, layer: &str, kernel: Kernel, output: Activation, parts: usize) -> Dispatch {
        let lanes = self.lanes(output.quads());
        self.constants(Dispatch::new(layer, kernel), output.quads())
            .size("LANES", lanes)
            .uniform_sizes(&[output.batch, parts])
            .invocations(output.total_quads() * lanes, WORKGROUP_SIZE)
            .layers(parts)
            .flops(self.elements() * output.batch as u64)
    }

    /// In how many windows a pixel is at most, along each axis.
    fn windows_of_a_pixel(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.output[axis].div_ceil(self.input[axis].max(1)) + 1)
    }

    /// A dispatch of a backward kernel, in which each quad of `grad_input` has an invocation that gathers.
    pub fn gather(&self, layer: &str, kernel: Kernel, grad_input: Activation) -> Dispatch {
        self.constants(Dispatch::new(layer, kernel), grad_input.quads())
            .uniform(grad_input.batch as u32)
            .in_turn(grad_input.total_quads(), self.windows_of_a_pixel().iter().product())
            .flops(2 * self.elements() * grad_input.batch as u64)
    }

    fn constants(&self, dispatch: Dispatch, quads: usize) -> Dispatch {
        dispatch
            .size("H", self.input[0])
            .size("W", self.input[1])
            .size("OH", self.output[0])
            .size("OW", self.output[1])
            .size("Q", quads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::program::{TensorId, quads};

    fn windows(input: [usize; 2], output: [usize; 2]) -> Result<Windows, Refusal> {
        Windows::over(output, &[Shape::new(3, input[0], input[1])])
    }

    #[test]
    fn windows_are_pytorchs() {
        let ranges = |input: usize, output: usize| -> Vec<Range<usize>> {
            let windows = windows([1, input], [1, output]).unwrap();
            (0..output).map(|i| windows.range(1, i)).collect()
        };
        assert_eq!(ranges(11, 3), [0..4, 3..8, 7..11]);
        assert_eq!(ranges(6, 3), [0..2, 2..4, 4..6]);
        assert_eq!(ranges(2, 5), [0..1, 0..1, 0..2, 1..2, 1..2]);
        assert_eq!(windows([5, 11], [4, 3]).unwrap().largest(), [2, 5]);
    }

    #[test]
    fn bad_sizes_say_what_would_fit() {
        for (refused, expected) in [
            (windows([4, 5], [0, 2]), "output_size is 0 along the height; it must be at least 1"),
            (
                windows([4, 9], [2, 1 << 30]),
                "along the width; for an input of 9 it must be at most 429496729",
            ),
            (windows([1, 1], [300, 300]), "a pixel is in up to 301 x 301 windows, and at most 65534"),
            (Windows::global(&[Shape::features(1); 2]), "takes one input, got 2"),
        ] {
            let message = refused.unwrap_err();
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
    }

    #[test]
    fn the_output_size_is_asked_for() {
        let read = |json: &str| output_size(&Attributes::from_json(json).unwrap());
        assert_eq!(read(r#"{"output_size": [3, 2]}"#), Ok([3, 2]));
        assert!(read("{}").unwrap_err().contains("output_size is missing; it must be [height, width]"));
        assert!(read(r#"{"output_size": 3}"#).unwrap_err().contains("it must be [height, width]"));
    }

    /// What the kernels count on: no invocation goes on for too long, and a window that is split has more pixels than
    /// a byte can tell apart.
    #[test]
    fn large_windows_are_split() {
        for channels in [1, 3, 64, 2048] {
            for size in [1, 7, 30, 224, 4096, 40_000] {
                if channels * size * size > u32::MAX as usize {
                    continue;
                }
                for output in [[1, 1], [2, 3], [7, 7]] {
                    let windows = Windows::over(output, &[Shape::new(channels, size, size)]).unwrap();
                    let lanes = windows.lanes(quads(channels));
                    let activation =
                        Activation { tensor: TensorId(0), shape: windows.output_shape(), batch: 2 };
                    let parts = windows.parts(activation);
                    let iterations = windows.largest_pixels().div_ceil(parts).div_ceil(lanes);
                    assert!(iterations < MAX_ITERATIONS && parts < MAX_ITERATIONS, "{windows:?}");
                    assert!(parts == 1 || windows.largest_pixels() > 256, "{windows:?} in {parts} parts");
                }
            }
        }
    }
}
