//! How the pixels of a data set are stored, and what a network sees of them.

use crate::shape::Shape;
use crate::{Error, Result};

/// Pixel values of images, each image in CHW order, one image after the other.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// One byte a value; 255 reads as 1.
    Bytes(Vec<u8>),
    /// One float a value, read as it stands.
    Floats(Vec<f32>),
}

impl Pixels {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the values from number `start` on into `to`, each through `map`.
    pub(super) fn read(&self, start: usize, to: &mut [f32], map: impl Fn(f32) -> f32) {
        match self {
            Self::Bytes(values) => {
                to.iter_mut().zip(&values[start..]).for_each(|(to, v)| *to = map(f32::from(*v) / 255.0));
            }
            Self::Floats(values) => to.iter_mut().zip(&values[start..]).for_each(|(to, v)| *to = map(*v)),
        }
    }
}

impl From<Vec<u8>> for Pixels {
    fn from(values: Vec<u8>) -> Self {
        Self::Bytes(values)
    }
}

impl From<Vec<f32>> for Pixels {
    fn from(values: Vec<f32>) -> Self {
        Self::Floats(values)
    }
}

/// What a network sees of a pixel `x` of a channel: `(x − mean) / std`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Normalisation {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Normalisation {
    /// One that changes nothing.
    pub fn none() -> Self {
        Self { mean: vec![0.0], std: vec![1.0] }
    }

    /// One with a mean and a standard deviation for all channels together or for each.
    pub fn new(mean: &[f32], std: &[f32], shape: Shape) -> Result<Self> {
        for (what, values) in [("means", mean), ("standard deviations", std)] {
            if values.len() != 1 && values.len() != shape.channels {
                return Err(Error::Input {
                    what: format!("{what} of a normalisation"),
                    expected: format!("[1] or [{}], as many as channels", shape.channels),
                    got: vec![values.len()],
                });
            }
        }
        if let Some(wrong) = mean.iter().find(|mean| !mean.is_finite()) {
            let got = wrong.to_string();
            return Err(Error::Option { option: "mean", got, expected: "a finite number" });
        }
        if let Some(wrong) = std.iter().find(|std| !(std.is_finite() && **std > 0.0)) {
            let got = wrong.to_string();
            return Err(Error::Option { option: "std", got, expected: "a finite number above 0" });
        }
        Ok(Self { mean: mean.into(), std: std.into() })
    }

    /// What is seen of a value in `channel`.
    pub fn of(&self, channel: usize) -> impl Fn(f32) -> f32 + use<> {
        let [mean, std] = [&self.mean, &self.std].map(|values| values[channel % values.len()]);
        move |value| (value - mean) / std
    }
}
