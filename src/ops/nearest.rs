//! Which pixel is the nearest: the conventions, as integer arithmetic. No operator of its own.

use std::ops::Range;

/// Where an output pixel lies in the input, along an axis of sizes `in` and `out`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Coordinates {
    /// Pixel i at `i · in / out`.
    #[default]
    Asymmetric,
    /// Pixel i at `(i + 1/2) · in / out − 1/2`.
    HalfPixel,
    /// Pixel i at `(i + 1/2) · in / out`.
    TfHalfPixelForNn,
    /// Pixel i at `i · (in − 1) / (out − 1)`; a single one at 0.
    AlignCorners,
}

/// Which of the two pixels is taken that a place lies between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NearestMode {
    /// The one before it.
    #[default]
    Floor,
    /// The one after it.
    Ceil,
    /// The nearer one, and between both the one before.
    RoundPreferFloor,
    /// The nearer one, and between both the one after.
    RoundPreferCeil,
}

/// The pixels along an axis: output pixel i is input pixel ⌊(factor · i + shift) / divisor⌋, or the first or the last
/// where that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    pub factor: usize,
    pub shift: i64,
    pub divisor: usize,
    input: usize,
    output: usize,
}

impl Steps {
    /// Those of a convention, along an axis of sizes `input` and `output`. Where both are at most 32,767, a factor
    /// times an output pixel stays within 31 bits, and so does all else.
    pub fn new(coordinates: Coordinates, mode: NearestMode, input: usize, output: usize) -> Self {
        let (size, out_size) = (input as i64, output as i64);
        // The place of pixel i is (factor · i + shift) / divisor.
        let (factor, shift, divisor) = match coordinates {
            Coordinates::Asymmetric => (size, 0, out_size),
            Coordinates::HalfPixel => (2 * size, size - out_size, 2 * out_size),
            Coordinates::TfHalfPixelForNn => (2 * size, size, 2 * out_size),
            // Of one pixel it does not matter how far the next is.
            Coordinates::AlignCorners if size == 1 || out_size == 1 => (1, 0, 1),
            Coordinates::AlignCorners => (size - 1, 0, out_size - 1),
        };
        // In halves, so that rounding too is the floor of a fraction.
        let (factor, shift, divisor) = (2 * factor, 2 * shift, 2 * divisor);
        let shift = match mode {
            NearestMode::Floor => shift,
            NearestMode::Ceil => shift + divisor - 1,
            NearestMode::RoundPreferFloor => shift + divisor / 2 - 1,
            NearestMode::RoundPreferCeil => shift + divisor / 2,
        };
        // Of whole multiples nothing but whole multiples counts.
        let common = greatest_common_divisor(factor, divisor);
        Self {
            factor: (factor / common) as usize,
            shift: shift.div_euclid(common),
            divisor: (divisor / common) as usize,
            input,
            output,
        }
    }

    /// The input pixel that output pixel `i` is.
    pub fn source(&self, i: usize) -> usize {
        let place = (self.factor * i) as i64 + self.shift;
        (place.max(0) as usize / self.divisor).min(self.input - 1)
    }

    /// The output pixels that are input pixel `i`.
    pub fn readers(&self, i: usize) -> Range<usize> {
        self.first_reader(i)..self.first_reader(i + 1)
    }

    /// The first output pixel that is input pixel `i` or a later one.
    fn first_reader(&self, i: usize) -> usize {
        if i == 0 {
            return 0;
        }
        if i >= self.input {
            return self.output;
        }
        let place = (i * self.divisor) as i64 - self.shift;
        (place.max(0) as usize).div_ceil(self.factor).min(self.output)
    }
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COORDINATES: [Coordinates; 4] = [
        Coordinates::Asymmetric,
        Coordinates::HalfPixel,
        Coordinates::TfHalfPixelForNn,
        Coordinates::AlignCorners,
    ];
    const MODES: [NearestMode; 4] =
        [NearestMode::Floor, NearestMode::Ceil, NearestMode::RoundPreferFloor, NearestMode::RoundPreferCeil];

    /// The definitions, in floating point. Sizes are small: what should be whole or a half is.
    fn defined(coordinates: Coordinates, mode: NearestMode, i: usize, input: usize, output: usize) -> usize {
        let (at, size, out_size) = (i as f64, input as f64, output as f64);
        let place = match coordinates {
            Coordinates::Asymmetric => at * size / out_size,
            Coordinates::HalfPixel => ((2.0 * at + 1.0) * size - out_size) / (2.0 * out_size),
            Coordinates::TfHalfPixelForNn => (2.0 * at + 1.0) * size / (2.0 * out_size),
            Coordinates::AlignCorners if output == 1 => 0.0,
            Coordinates::AlignCorners => at * (size - 1.0) / (out_size - 1.0),
        };
        let rounded = match mode {
            NearestMode::Floor => place.floor(),
            NearestMode::Ceil => place.ceil(),
            NearestMode::RoundPreferFloor => (place - 0.5).ceil(),
            NearestMode::RoundPreferCeil => (place + 0.5).floor(),
        };
        rounded.clamp(0.0, size - 1.0) as usize
    }

    #[test]
    fn steps_are_the_conventions() {
        let conventions =
            COORDINATES.into_iter().flat_map(|coordinates| MODES.map(|mode| (coordinates, mode)));
        for (coordinates, mode) in conventions {
            for (input, output) in (1..12).flat_map(|input| (1..30).map(move |output| (input, output))) {
                let steps = Steps::new(coordinates, mode, input, output);
                let sources: Vec<usize> = (0..output).map(|i| steps.source(i)).collect();
                let wanted: Vec<usize> =
                    (0..output).map(|i| defined(coordinates, mode, i, input, output)).collect();
                assert_eq!(sources, wanted, "{coordinates:?}, {mode:?}, {input} to {output}");
                for i in 0..input {
                    let wanted: Vec<usize> = (0..output).filter(|place| sources[*place] == i).collect();
                    let readers: Vec<usize> = steps.readers(i).collect();
                    assert_eq!(readers, wanted, "{coordinates:?}, {mode:?}, {i} of {input} to {output}");
                }
            }
        }
    }

    #[test]
    fn the_largest_steps_fit() {
        for (coordinates, mode) in COORDINATES.into_iter().zip(MODES) {
            let steps = Steps::new(coordinates, mode, 32_767, 32_766);
            let most = [steps.factor * 32_766, steps.divisor * 32_767, steps.shift.unsigned_abs() as usize];
            assert!(most.iter().sum::<usize>() < 1 << 31, "{steps:?}");
        }
    }
}
