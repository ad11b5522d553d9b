//! Crop: a rectangle of an image.

use super::program::TensorId;
use super::registry::{Attributes, FromAttributes};
use super::{Backward, Cost, Forward, Operator, Refusal, shift, single_input};
use crate::shape::{Pair, Shape};

/// A rectangle of an image: a place and a size, or what is taken off each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    top: usize,
    left: usize,
    extent: Extent,
}

/// How far the rectangle reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// So many rows and columns.
    Size([usize; 2]),
    /// To so many rows before the last, and columns.
    Short([usize; 2]),
}

impl Crop {
    /// The rectangle of `size` (height and width) whose corner is at row `top` and column `left`.
    pub fn new(top: usize, left: usize, size: impl Into<Pair>) -> Self {
        Self { top, left, extent: Extent::Size(size.into().0) }
    }

    /// What is left where so many rows and columns are taken off each side: top, left, bottom, right.
    pub fn sides([top, left, bottom, right]: [usize; 4]) -> Self {
        Self { top, left, extent: Extent::Short([bottom, right]) }
    }

    /// The place of the rectangle's first element in the input.
    pub(crate) fn place(&self) -> [usize; 3] {
        [0, self.top, self.left]
    }
}

impl FromAttributes for Crop {
    const NAME: &'static str = "crop";

    /// `top`, `left`, `height` and `width`; or `sides`: top, left, bottom, right.
    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal> {
        if let Some(sides) = attributes.size_list("sides")? {
            return sides.try_into().map(Self::sides).map_err(|sides: Vec<usize>| {
                format!("attribute sides is {sides:?}; it must be [top, left, bottom, right]")
            });
        }
        let size = |name: &str| match attributes.usize(name, 0)? {
            0 => Err(format!(
                "attribute {name} is missing or 0; it must be at least 1, unless there are sides"
            )),
            size => Ok(size),
        };
        let size = [size("height")?, size("width")?];
        Ok(Self::new(attributes.usize("top", 0)?, attributes.usize("left", 0)?, size))
    }
}

impl Operator for Crop {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Refusal> {
        let input = single_input(inputs)?;
        let along = |axis: usize, whole: usize, first: usize| {
            let name = ["height", "width"][axis];
            let size = match self.extent {
                Extent::Size(size) => size[axis],
                Extent::Short(short) => whole.saturating_sub(first.saturating_add(short[axis])),
            };
            if size == 0 || first.saturating_add(size) > whole {
                let wanted = match self.extent {
                    Extent::Size(_) => format!("{size} from {first} on"),
                    Extent::Short(short) => format!("all but {first} before and {} after", short[axis]),
                };
                return Err(format!(
                    "the crop takes {wanted} of the {name}; it must take at least 1 and lie within the {whole} that \
                     there are"
                ));
            }
            Ok(size)
        };
        let (height, width) = (along(0, input.height, self.top)?, along(1, input.width, self.left)?);
        Ok(Shape { height, width, ..input })
    }

    fn is_identity(&self, inputs: &[Shape], _training: bool) -> bool {
        self.output_shape(inputs).is_ok_and(|output| output == inputs[0])
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
