//! What a network is to make of images.

use crate::Tensor;
use crate::ops::Target;

/// What a network is to make of the images of a batch or a data set.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// The class of each image; or of each pixel of the network's output, `[n, height, width]` in row-major
    /// order.
    Classes(Vec<i32>),
    /// Values in the shape of the network's output, `[n, channels, height, width]`, or `[n, features]`.
    Values(Tensor),
}

impl Targets {
    /// The labels; none where there are values.
    pub fn labels(&self) -> &[i32] {
        self.as_target().labels()
    }

    /// The targets as a loss takes them.
    pub fn as_target(&self) -> Target<'_, f32> {
        match self {
            Self::Classes(labels) => Target::Classes(labels),
            Self::Values(values) => Target::Values(values.data()),
        }
    }
}

impl From<Vec<i32>> for Targets {
    fn from(labels: Vec<i32>) -> Self {
        Self::Classes(labels)
    }
}

impl From<Tensor> for Targets {
    fn from(values: Tensor) -> Self {
        Self::Values(values)
    }
}
