//! What losses compare predictions with: class labels, or values.

use std::fmt;

use crate::shape::Shape;
use crate::{Error, Result, Tensor};

/// What a loss is to be told of each sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TargetSpec {
    /// A class label for each pixel, `[n, height, width]`.
    Classes {
        /// The number of labels of a sample.
        pixels: usize,
        /// Labels are less than this.
        classes: usize,
        /// One more label, which says that its pixel does not count.
        ignore_index: Option<i32>,
    },
    /// Values, NCHW.
    Values {
        /// The shape of a sample.
        shape: Shape,
        /// The least and the greatest value; any value where there is none.
        range: Option<[f32; 2]>,
    },
}

impl TargetSpec {
    /// The number of labels or values of a sample.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes { pixels, .. } => *pixels,
            Self::Values { shape, .. } => shape.len(),
        }
    }

    /// Whether a sample has neither label nor value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it asks for class labels: only then can a prediction be right or wrong.
    pub fn is_classes(&self) -> bool {
        matches!(self, Self::Classes { .. })
    }

    /// Checks that `target` is of the kind that `loss`, whose target this is, asks for.
    ///
    /// # Errors
    /// [`Error::Target`].
    pub(crate) fn check_kind<T>(&self, loss: &'static str, target: Target<'_, T>) -> Result<()> {
        let got = match (self, target) {
            (Self::Classes { .. }, Target::Classes(_)) | (Self::Values { .. }, Target::Values(_)) => {
                return Ok(());
            }
            (_, Target::Classes(_)) => "class labels",
            (_, Target::Values(_)) => "values",
        };
        Err(Error::Target { loss, expected: self.to_string(), got: got.into() })
    }

    /// Checks labels, of which there should be as many as `samples` samples have.
    ///
    /// # Errors
    /// [`Error::Input`] for their number, [`Error::Label`] for one that is not a class.
    pub(crate) fn check_labels(
        &self,
        samples: usize,
        labels: impl ExactSizeIterator<Item = i32>,
    ) -> Result<()> {
        let Self::Classes { pixels, classes, ignore_index } = *self else { return Ok(()) };
        if labels.len() != samples * pixels {
            let each = if pixels == 1 { "image" } else { "pixel of the output" };
            let expected = format!("[{}], one label for each {each}", samples * pixels);
            return Err(Error::Input { what: "labels".into(), expected, got: vec![labels.len()] });
        }
        for (at, label) in labels.enumerate() {
            let is_class = usize::try_from(label).is_ok_and(|label| label < classes);
            if !is_class && Some(label) != ignore_index {
                return Err(Error::Label { image: at / pixels, label: label.into(), classes });
            }
        }
        Ok(())
    }

    /// Checks the values of `samples` samples for `loss`, whose target this is: the shape that they come in, and
    /// those of each image.
    ///
    /// # Errors
    /// [`Error::Input`] for the shape, [`Error::Target`] for a value that is out of range.
    pub(crate) fn check_values<'a>(
        &self,
        loss: &'static str,
        samples: usize,
        values: &Tensor,
        images: impl Iterator<Item = &'a [f32]>,
    ) -> Result<()> {
        let Self::Values { shape, range } = *self else { return Ok(()) };
        let wanted = shape.nchw(samples);
        if values.shape().len() > 4 || values.nchw() != wanted[..] {
            let axes = if shape.pixels() == 1 { 2 } else { 4 };
            let expected = format!("{:?}", &wanted[..axes]);
            return Err(Error::Input { what: "targets".into(), expected, got: values.shape().into() });
        }
        let Some([least, most]) = range else { return Ok(()) };
        for (image, values) in images.enumerate() {
            if let Some(value) = values.iter().find(|value| !(least..=most).contains(*value)) {
                let expected = format!("values from {least} to {most}");
                return Err(Error::Target { loss, expected, got: format!("{value} in image {image}") });
            }
        }
        Ok(())
    }
}

impl fmt::Display for TargetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classes { classes, .. } => {
                write!(f, "class labels from 0 to {}", classes.saturating_sub(1))
            }
            Self::Values { shape, .. } => write!(f, "values of shape {shape} for each image"),
        }
    }
}

/// What predictions are compared with, in host memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target<'a, T> {
    /// A class label for each pixel of each sample.
    Classes(&'a [i32]),
    /// The values of each sample, NCHW.
    Values(&'a [T]),
}

impl<'a, T> Target<'a, T> {
    /// The labels; none where it has values.
    pub fn labels(self) -> &'a [i32] {
        match self {
            Self::Classes(labels) => labels,
            Self::Values(_) => &[],
        }
    }

    /// The values; none where it has labels.
    pub fn values(self) -> &'a [T] {
        match self {
            Self::Classes(_) => &[],
            Self::Values(values) => values,
        }
    }
}
