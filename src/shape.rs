//! The geometry of windows: how kernel, stride, padding and dilation turn one size into another.
//!
//! For an input of size W, a kernel of size K with dilation D covers `K_eff = (K − 1) · D + 1`, and with
//! stride S and padding P (both sides together) the output has `floor((W − K_eff + P) / S) + 1` positions.

use std::fmt;

/// The shape of one sample: channels, height, width. A vector of n features is n channels of one pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Channels, or features.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
}

impl Shape {
    /// A shape of `channels` by `height` by `width`.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// A vector of `features`.
    pub const fn features(features: usize) -> Self {
        Self::new(features, 1, 1)
    }

    /// Channels, height and width.
    pub const fn sizes(self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// The number of elements.
    pub const fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether there is no element.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The number of pixels.
    pub const fn pixels(self) -> usize {
        self.height * self.width
    }

    /// The NCHW shape of `batch` samples.
    pub fn nchw(self, batch: usize) -> Vec<usize> {
        vec![batch, self.channels, self.height, self.width]
    }
}

impl From<[usize; 3]> for Shape {
    fn from([channels, height, width]: [usize; 3]) -> Self {
        Self::new(channels, height, width)
    }
}

impl From<usize> for Shape {
    fn from(features: usize) -> Self {
        Self::features(features)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pixels() == 1 {
            f.pad(&format!("[{}]", self.channels))
        } else {
            f.pad(&format!("[{}, {}, {}]", self.channels, self.height, self.width))
        }
    }
}

/// An axis of a sample. The batch is none: every sample stands for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Axis {
    /// The channels, or features: axis 1 of NCHW.
    #[default]
    Channels,
    /// The rows of pixels: axis 2.
    Height,
    /// The columns of pixels: axis 3.
    Width,
}

impl Axis {
    /// All of them, in their order.
    pub const ALL: [Self; 3] = [Self::Channels, Self::Height, Self::Width];

    /// Its place in [`Shape::sizes`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(["channels", "height", "width"][self.index()])
    }
}

/// A size or step along height and width; a single number means both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pair(pub [usize; 2]);

impl From<usize> for Pair {
    fn from(both: usize) -> Self {
        Self([both; 2])
    }
}

impl From<[usize; 2]> for Pair {
    fn from(height_width: [usize; 2]) -> Self {
        Self(height_width)
    }
}

/// What is put around an image before a window slides over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Padding {
    /// Nothing.
    #[default]
    Valid,
    /// As much as gives `ceil(W / S)` positions; with stride 1 the size is kept. Where the amount is
    /// odd, the larger half goes to the bottom and to the right (ONNX's `SAME_UPPER`).
    Same,
    /// This much on each side.
    Explicit {
        /// Rows above.
        top: usize,
        /// Columns to the left.
        left: usize,
        /// Rows below.
        bottom: usize,
        /// Columns to the right.
        right: usize,
    },
}

impl From<usize> for Padding {
    fn from(all: usize) -> Self {
        Self::from([all; 4])
    }
}

impl From<[usize; 2]> for Padding {
    fn from([vertical, horizontal]: [usize; 2]) -> Self {
        Self::from([vertical, horizontal, vertical, horizontal])
    }
}

impl From<[usize; 4]> for Padding {
    fn from([top, left, bottom, right]: [usize; 4]) -> Self {
        Self::Explicit { top, left, bottom, right }
    }
}

/// The largest kernel, stride, dilation or padding along an axis: what comes of two of them still fits in the
/// 32 bits that kernels count in.
const LARGEST: usize = 65_535;

/// A window that slides over an image, as a person writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Step between positions.
    pub stride: [usize; 2],
    /// What surrounds the image.
    pub padding: Padding,
    /// Distance between the kernel's taps.
    pub dilation: [usize; 2],
    /// Whether a last position that covers the padding only in part counts (PyTorch's `ceil_mode`).
    pub ceil_mode: bool,
    /// Whether a stride that leaves some of the padded input uncovered is an error.
    pub strict: bool,
}

impl Window {
    /// A window of `kernel` with stride 1, no padding and no dilation.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        Self {
            kernel: kernel.into().0,
            stride: [1; 2],
            padding: Padding::Valid,
            dilation: [1; 2],
            ceil_mode: false,
            strict: false,
        }
    }

    /// The window on an image of `size` (height, width).
    ///
    /// # Errors
    /// A kernel, stride or dilation of zero; a kernel larger than the padded image; in strict mode, a
    /// stride that does not fit. The message says what would.
    pub fn over(&self, size: [usize; 2]) -> Result<Geometry, String> {
        let rows = self.axis(0, size[0])?;
        let columns = self.axis(1, size[1])?;
        Ok(Geometry {
            kernel: self.kernel,
            stride: self.stride,
            dilation: self.dilation,
            padding: [rows.before, columns.before, rows.after, columns.after],
            input: size,
            output: [rows.output, columns.output],
        })
    }

    /// The window whose positions are the pixels of an image of `size`: the one that a transposed convolution goes
    /// through. The image that it slides over, [`Geometry::input`], has
    /// `(size − 1) · stride − padding + effective kernel + output_padding` pixels along an axis, or with
    /// [`Padding::Same`] `size · stride`.
    ///
    /// # Errors
    /// As in [`over`](Self::over); an output padding that is neither less than the stride nor than the dilation;
    /// padding that leaves nothing.
    pub fn transposed(&self, size: [usize; 2], output_padding: [usize; 2]) -> Result<Geometry, String> {
        let [rows, columns] = [0, 1].map(|axis| self.transposed_axis(axis, size[axis], output_padding[axis]));
        let (rows, columns) = (rows?, columns?);
        Ok(Geometry {
            kernel: self.kernel,
            stride: self.stride,
            dilation: self.dilation,
            padding: [rows.before, columns.before, rows.after, columns.after],
            input: [rows.output, columns.output],
            output: size,
        })
    }

    fn transposed_axis(&self, axis: usize, size: usize, output_padding: usize) -> Result<Along, String> {
        let name = ["height", "width"][axis];
        let (kernel, stride, dilation) = (self.kernel[axis], self.stride[axis], self.dilation[axis]);
        self.check(axis, size)?;
        let (before, after) = self.pads(axis, size * stride)?;
        if self.padding == Padding::Same {
            if output_padding != 0 {
                return Err(format!(
                    "output_padding is {output_padding} along the {name}; with Padding::Same it must be 0"
                ));
            }
            return Ok(Along { before, after, output: size * stride });
        }
        let largest = stride.max(dilation) - 1;
        if output_padding > largest {
            return Err(format!(
                "output_padding is {output_padding} along the {name}; it must be less than the stride of {stride} or \
                 the dilation of {dilation}: at most {largest} would fit"
            ));
        }
        let full = (size - 1) * stride + effective_kernel(kernel, dilation) + output_padding;
        if before + after >= full {
            return Err(format!(
                "padding is {before} + {after} along the {name}, as much as the {full} pixels from which it is \
                 taken; at most {} on both sides together would fit",
                full - 1
            ));
        }
        Ok(Along { before, after, output: full - before - after })
    }

    /// Checks what every window has along an axis of an image.
    fn check(&self, axis: usize, size: usize) -> Result<(), String> {
        let name = ["height", "width"][axis];
        let (kernel, stride, dilation) = (self.kernel[axis], self.stride[axis], self.dilation[axis]);
        for (attribute, value) in [("kernel", kernel), ("stride", stride), ("dilation", dilation)] {
            if value == 0 {
                return Err(format!("{attribute} is 0 along the {name}; it must be at least 1"));
            }
            if value > LARGEST {
                return Err(format!("{attribute} is {value} along the {name}; it must be at most {LARGEST}"));
            }
        }
        if size == 0 {
            return Err(format!("the input's {name} is 0; it must be at least 1"));
        }
        Ok(())
    }

    /// The padding before and after along an axis of an image.
    fn pads(&self, axis: usize, size: usize) -> Result<(usize, usize), String> {
        let (before, after) = match self.padding {
            Padding::Valid => (0, 0),
            Padding::Same => {
                let kernel_eff = effective_kernel(self.kernel[axis], self.dilation[axis]);
                same_padding(size, kernel_eff, self.stride[axis])
            }
            Padding::Explicit { top, left, bottom, right } => [(top, bottom), (left, right)][axis],
        };
        if before.max(after) > LARGEST {
            let name = ["height", "width"][axis];
            return Err(format!(
                "padding is {before} + {after} along the {name}; it must be at most {LARGEST} on each side"
            ));
        }
        Ok((before, after))
    }

    fn axis(&self, axis: usize, size: usize) -> Result<Along, String> {
        let name = ["height", "width"][axis];
        let (kernel, stride, dilation) = (self.kernel[axis], self.stride[axis], self.dilation[axis]);
        self.check(axis, size)?;
        let kernel_eff = effective_kernel(kernel, dilation);
        let (before, after) = self.pads(axis, size)?;
        let padded = size + before + after;
        if kernel_eff > padded {
            return Err(format!(
                "a kernel of {kernel} with dilation {dilation} covers {kernel_eff}, more than the padded {name} \
                 of {padded} (input {size}, padding {before} + {after}); a kernel of at most {}, or {} more \
                 of padding, would fit",
                (padded - 1) / dilation + 1,
                kernel_eff - padded,
            ));
        }
        let rest = (padded - kernel_eff) % stride;
        if self.strict && rest != 0 && self.padding != Padding::Same {
            return Err(misfit(name, size, kernel_eff, stride, before + after));
        }
        let mut output = (padded - kernel_eff) / stride + 1;
        if self.ceil_mode && rest != 0 && output * stride < size + before {
            output += 1;
        }
        Ok(Along { before, after, output })
    }
}

/// A window along one axis: padding and positions.
struct Along {
    before: usize,
    after: usize,
    output: usize,
}

/// How much a kernel covers: `(K − 1) · D + 1`.
pub(crate) fn effective_kernel(kernel: usize, dilation: usize) -> usize {
    (kernel - 1) * dilation + 1
}

/// The padding before and after that gives `ceil(size / stride)` positions.
pub(crate) fn same_padding(size: usize, kernel_eff: usize, stride: usize) -> (usize, usize) {
    let output = size.div_ceil(stride);
    let total = ((output - 1) * stride + kernel_eff).saturating_sub(size);
    (total / 2, total - total / 2)
}

/// What to say in strict mode: which strides fit this padding, and which paddings this stride.
fn misfit(name: &str, size: usize, kernel_eff: usize, stride: usize, padding: usize) -> String {
    let span = size + padding - kernel_eff;
    let numbers = |fitting: Vec<usize>| fitting.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let strides = (1..=span).filter(|s| span.is_multiple_of(*s)).take(12).collect();
    let paddings = (0..padding + 2 * stride)
        .filter(|p| size + p >= kernel_eff && (size + p - kernel_eff).is_multiple_of(stride))
        .collect();
    format!(
        "stride {stride} does not fit the {name}: (input {size} + padding {padding} - kernel {kernel_eff}) / \
         {stride} leaves {} uncovered; strides that fit: {}; paddings (both sides together) that fit: {}",
        span % stride,
        numbers(strides),
        numbers(paddings),
    )
}

/// A [`Window`] on an image of known size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Geometry {
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Step between positions.
    pub stride: [usize; 2],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Top, left, bottom, right.
    pub padding: [usize; 4],
    /// Height and width of the image.
    pub input: [usize; 2],
    /// How many positions there are along height and width.
    pub output: [usize; 2],
}

impl Geometry {
    /// The number of taps.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// The input row that tap `tap` of output row `position` reads, if it is inside the image.
    pub fn row(&self, position: usize, tap: usize) -> Option<usize> {
        self.source(0, position, tap)
    }

    /// The input column that tap `tap` of output column `position` reads, if it is inside the image.
    pub fn column(&self, position: usize, tap: usize) -> Option<usize> {
        self.source(1, position, tap)
    }

    fn source(&self, axis: usize, position: usize, tap: usize) -> Option<usize> {
        let padded = position * self.stride[axis] + tap * self.dilation[axis];
        padded.checked_sub(self.padding[axis]).filter(|at| *at < self.input[axis])
    }
}

/// What a position of a layer sees of the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceptiveField {
    /// Height and width of the region.
    pub size: [usize; 2],
    /// How far the region moves in the input from one position to the next.
    pub stride: [usize; 2],
}

impl ReceptiveField {
    /// That of the input itself.
    pub const INPUT: Self = Self { size: [1; 2], stride: [1; 2] };

    /// That of a window over a layer with this receptive field:
    /// `size + (K_eff − 1) · stride`, and the strides multiplied.
    pub fn through(self, window: &Geometry) -> Self {
        let along = |axis: usize| {
            let kernel = effective_kernel(window.kernel[axis], window.dilation[axis]);
            (self.size[axis] + (kernel - 1) * self.stride[axis], self.stride[axis] * window.stride[axis])
        };
        let (rows, columns) = (along(0), along(1));
        Self { size: [rows.0, columns.0], stride: [rows.1, columns.1] }
    }

    /// That of a layer which joins two.
    pub fn join(self, other: Self) -> Self {
        let max = |a: [usize; 2], b: [usize; 2]| [a[0].max(b[0]), a[1].max(b[1])];
        Self { size: max(self.size, other.size), stride: max(self.stride, other.stride) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_follows_the_formula() {
        // (size, kernel, stride, padding, dilation, ceil) -> positions, from torch.nn.functional.max_pool2d
        for (size, kernel, stride, padding, dilation, ceil, output) in [
            (7, 3, 2, 1, 1, false, 4),
            (224, 7, 2, 3, 1, false, 112),
            (224, 11, 4, 2, 1, false, 55),
            (10, 3, 1, 0, 2, false, 6),
            (5, 2, 2, 0, 1, false, 2),
            (5, 2, 2, 0, 1, true, 3),
            (4, 3, 3, 1, 1, true, 2),
            (4, 2, 3, 1, 1, true, 2),
            (1, 1, 1, 0, 1, false, 1),
        ] {
            let window = Window {
                stride: [stride; 2],
                padding: padding.into(),
                dilation: [dilation; 2],
                ceil_mode: ceil,
                ..Window::new(kernel)
            };
            assert_eq!(window.over([size; 2]).unwrap().output, [output; 2], "{window:?} over {size}");
        }
    }

    #[test]
    fn same_keeps_the_size() {
        for size in 1..20 {
            for kernel in 1..8 {
                for stride in 1..5 {
                    let window =
                        Window { stride: [stride; 2], padding: Padding::Same, ..Window::new(kernel) };
                    let geometry = window.over([size; 2]).unwrap();
                    assert_eq!(geometry.output, [size.div_ceil(stride); 2], "{window:?} over {size}");
                    assert!(geometry.padding[2] >= geometry.padding[0]);
                }
            }
        }
    }

    #[test]
    fn transposed_undoes_what_the_window_does_to_a_size() {
        for size in 1..12 {
            for (kernel, stride, dilation, padding) in
                [(3, 1, 1, 1), (4, 2, 1, 1), (3, 3, 2, 2), (2, 5, 1, 0), (1, 2, 3, 0)]
            {
                let window = Window {
                    stride: [stride; 2],
                    dilation: [dilation; 2],
                    padding: padding.into(),
                    ..Window::new(kernel)
                };
                for output_padding in 0..stride {
                    // Padding may leave nothing of a small image.
                    if let Ok(geometry) = window.transposed([size; 2], [output_padding; 2]) {
                        assert_eq!(window.over(geometry.input).unwrap(), geometry);
                    }
                }
                let same = Window { padding: Padding::Same, ..window };
                let geometry = same.transposed([size; 2], [0; 2]).unwrap();
                assert_eq!(geometry.input, [size * stride; 2]);
                assert_eq!(same.over(geometry.input).unwrap(), geometry);
            }
        }
    }

    #[test]
    fn strict_mode_lists_what_fits() {
        let window = Window { stride: [3; 2], strict: true, ..Window::new(3) };
        let message = window.over([8; 2]).unwrap_err();
        assert!(message.contains("strides that fit: 1, 5"), "{message}");
        assert!(message.contains("that fit: 1, 4"), "{message}");
        assert!(window.over([9; 2]).is_ok());
        let same = Window { stride: [3; 2], padding: Padding::Same, strict: true, ..Window::new(3) };
        assert!(same.over([8; 2]).is_ok());
    }

    #[test]
    fn bad_windows_say_what_would_fit() {
        let zero = Window { stride: [1, 0], ..Window::new(3) };
        assert!(zero.over([8; 2]).unwrap_err().contains("stride is 0 along the width"));
        let large = Window { dilation: [2; 2], ..Window::new(5) };
        let message = large.over([7, 9]).unwrap_err();
        assert!(message.contains("a kernel of at most 4, or 2 more of padding"), "{message}");
    }

    #[test]
    fn receptive_field_of_vgg_and_alexnet() {
        let field = |layers: &[(usize, usize)]| {
            layers.iter().fold(ReceptiveField::INPUT, |field, (kernel, stride)| {
                let window = Window { stride: [*stride; 2], ..Window::new(*kernel) };
                field.through(&window.over([1000; 2]).unwrap())
            })
        };
        // AlexNet's last pool: 195 with stride 32 (Araujo et al., distill.pub 2019).
        let alexnet = [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2)];
        assert_eq!(field(&alexnet), ReceptiveField { size: [195; 2], stride: [32; 2] });
        // Two 3x3 see as much as one 5x5.
        assert_eq!(field(&[(3, 1), (3, 1)]), field(&[(5, 1)]));
    }
}
