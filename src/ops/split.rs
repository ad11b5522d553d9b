//! Split: one of the parts into which an axis is divided.

use super::program::TensorId;
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, shift, single_input};
use crate::shape::{Axis, Shape};

/// One part of a split along an axis: the parts follow one another and make up the axis. A layer has one output, so
/// each part is a layer; [`NetworkBuilder::split`](crate::network::NetworkBuilder::split) writes them all down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    axis: Axis,
    sizes: Vec<usize>,
    index: usize,
}

impl Split {
    /// The first part of a split of `axis` into parts of `sizes`.
    pub fn new(axis: Axis, sizes: impl Into<Vec<usize>>) -> Self {
        Self { axis, sizes: sizes.into(), index: 0 }
    }

    /// The `index`th part of the same split, from 0.
    pub fn part(mut self, index: usize) -> Self {
        self.index = index;
        self
    }

    /// The place of the part's first element in the input.
    pub(crate) fn place(&self) -> [usize; 3] {
        let mut place = [0; 3];
        place[self.axis.index()] = self.sizes.iter().take(self.index).sum();
        place
    }
}

impl FromAttributes for Split {
    const NAME: &'static str = "split";

    /// `axis`, `sizes` and the `index` of the part.
    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        let Some(sizes) = attributes.size_list("sizes")? else {
            return Err("attribute sizes is missing; it must be a list of the sizes of the parts".into());
        };
        Ok(Self::new(attributes.axis("axis")?, sizes).part(attributes.usize("index", 0)?))
    }
}

impl Operator for Split {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let mut output = single_input(inputs)?.sizes();
        let whole = &mut output[self.axis.index()];
        let total = self.sizes.iter().try_fold(0, |total: usize, size| total.checked_add(*size));
        if total != Some(*whole) || self.sizes.contains(&0) {
            return Err(format!(
                "the parts are of sizes {:?} along the {}; each must be at least 1, and together they must be {whole}",
                self.sizes, self.axis
            ));
        }
        match self.sizes.get(self.index) {
            Some(size) => *whole = *size,
            None => {
                return Err(format!(
                    "part {} of a split into {}; the first is 0 and the last {}",
                    self.index,
                    self.sizes.len(),
                    self.sizes.len() - 1
                ));
            }
        }
        Ok(output.into())
    }

    fn is_identity(&self, _inputs: &[Shape], _training: bool) -> bool {
        self.sizes.len() == 1
    }

    fn cost(&self, _inputs: &[Shape], _output: Shape) -> Cost {
        Cost::default()
    }

    fn forward(&self, pass: Forward<'_>) -> Vec<TensorId> {
        shift::cut_forward(pass, self.place())
    }

    fn backward(&self, pass: Backward<'_>) {
        shift::cut_backward(pass, self.place());
    }
}
