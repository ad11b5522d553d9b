//! Images and their targets, and the batches that a trainer takes from them.

use std::sync::Arc;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::pixels::{Normalisation, Pixels};
use super::targets::Targets;
use crate::shape::Shape;
use crate::{Error, Result, Tensor};

/// Images of one shape, each with the class that it belongs to, or with values that a network is to predict.
///
/// A data set is a view: subsets and shuffled copies share the pixels and hold only an order of
/// their own, so that making one is cheap.
///
/// ```
/// # fn main() -> wgcnn::Result<()> {
/// use wgcnn::data::Dataset;
///
/// // Three grey images of 2 x 2 pixels in classes 0, 1 and 0.
/// let data = Dataset::new([1, 2, 2], vec![0u8; 12], vec![0, 1, 0], 2)?.normalised(&[0.5], &[0.5])?;
/// let sizes: Vec<usize> = data.shuffled(0).batches(2).map(|batch| batch.len()).collect();
/// assert_eq!(sizes, [2, 1]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Dataset {
    shape: Shape,
    classes: usize,
    normalisation: Normalisation,
    images: Arc<Images>,
    /// Which images belong to this view, and in which order.
    order: Vec<usize>,
}

/// What all views of a data set share.
#[derive(Debug)]
struct Images {
    pixels: Pixels,
    targets: Targets,
}

/// Some images and their targets: what one training step takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The images, `[n, channels, height, width]`.
    pub images: Tensor,
    /// What the network is to make of them.
    pub targets: Targets,
}

impl Batch {
    /// Images, `[n, channels, height, width]`, with their labels (`Vec<i32>`) or values ([`Tensor`]).
    pub fn new(images: Tensor, targets: impl Into<Targets>) -> Self {
        Self { images, targets: targets.into() }
    }

    /// The labels; none where the targets are values.
    pub fn labels(&self) -> &[i32] {
        self.targets.labels()
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.images.shape().first().copied().unwrap_or(0)
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Dataset {
    /// Images of `shape` (channels, height, width) in `classes` classes: the pixels of one image
    /// after the other, each in CHW order, and one label an image, 0 to `classes − 1`.
    ///
    /// # Errors
    /// [`Error::Input`] where a size is 0 or there are not as many pixels as the labels and the shape ask
    /// for, [`Error::Label`] where a label is not a class.
    pub fn new(
        shape: impl Into<Shape>,
        pixels: impl Into<Pixels>,
        labels: Vec<i32>,
        classes: usize,
    ) -> Result<Self> {
        let (shape, pixels) = (shape.into(), pixels.into());
        check_pixels(shape, &pixels, labels.len())?;
        let is_class = |label: i32| usize::try_from(label).is_ok_and(|label| label < classes);
        if let Some((image, label)) = labels.iter().enumerate().find(|(_, label)| !is_class(**label)) {
            return Err(Error::Label { image, label: i64::from(*label), classes });
        }
        Ok(Self::of_all(shape, pixels, labels.len(), labels.into(), classes))
    }

    /// Images of `shape` (channels, height, width) with values that a network is to predict: numbers, boxes,
    /// masks. `pixels` are those of one image after the other, each in CHW order. The first axis of `values`
    /// counts the images; the others are those of the network's output, `[n, channels, height, width]`, or
    /// `[n, features]`.
    ///
    /// ```
    /// # fn main() -> wgcnn::Result<()> {
    /// use wgcnn::Tensor;
    /// use wgcnn::data::Dataset;
    ///
    /// // Two grey images of 2 x 2 pixels, with two numbers for each.
    /// let values = Tensor::new([2, 2], vec![0.5, -1.0, 0.25, 3.0])?;
    /// let data = Dataset::with_values([1, 2, 2], vec![0u8; 8], values)?;
    /// assert_eq!(data.values().last(), Some(&[0.25, 3.0][..]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] where a size is 0 or there are not as many pixels as the values and the shape ask for.
    pub fn with_values(shape: impl Into<Shape>, pixels: impl Into<Pixels>, values: Tensor) -> Result<Self> {
        let (shape, pixels) = (shape.into(), pixels.into());
        let (Some(images), false) = (values.shape().first().copied(), values.is_empty()) else {
            let expected = "[images, ...], none of them 0".into();
            return Err(Error::Input { what: "values".into(), expected, got: values.shape().into() });
        };
        check_pixels(shape, &pixels, images)?;
        Ok(Self::of_all(shape, pixels, images, values.into(), 0))
    }

    /// All of so many images, which were checked.
    fn of_all(shape: Shape, pixels: Pixels, images: usize, targets: Targets, classes: usize) -> Self {
        let order = (0..images).collect();
        let images = Arc::new(Images { pixels, targets });
        Self { shape, classes, normalisation: Normalisation::none(), images, order }
    }

    /// The same images, of whose pixels `x` a network sees `(x − mean) / std`: one mean and one
    /// standard deviation for all channels, or one for each. They replace those given before.
    ///
    /// # Errors
    /// [`Error::Input`] where their number does not fit the channels, [`Error::Option`] where one is
    /// not finite or a standard deviation is not above zero.
    pub fn normalised(self, mean: &[f32], std: &[f32]) -> Result<Self> {
        Ok(Self { normalisation: Normalisation::new(mean, std, self.shape)?, ..self })
    }

    /// The shape of one image.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The number of classes; 0 where the targets are values.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The class of each image; none where the targets are values.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = i32> + '_ {
        let labels = self.images.targets.labels();
        let order = if labels.is_empty() { &[][..] } else { &self.order };
        order.iter().map(|at| labels[*at])
    }

    /// The values of each image; none where the targets are classes.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &[f32]> + '_ {
        let values = self.images.targets.as_target().values();
        let order = if values.is_empty() { &[][..] } else { &self.order };
        let row = values.len() / self.images.count().max(1);
        order.iter().map(move |at| &values[at * row..][..row])
    }

    /// The targets of all images, whichever belong to this view.
    pub(crate) fn targets(&self) -> &Targets {
        &self.images.targets
    }

    /// The pixels of one image for people to look at, `[channels, height, width]`: not normalised, a
    /// byte of 255 being 1. `None` where there is no such image.
    pub fn picture(&self, image: usize) -> Option<Tensor> {
        let at = self.order.get(image)?;
        let Shape { channels, height, width } = self.shape;
        let mut picture = Tensor::zeros([channels, height, width]);
        self.images.pixels.read(at * self.shape.len(), picture.data_mut(), |value| value);
        Some(picture)
    }

    /// The same images in a random order that `seed` alone decides.
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut order = self.order.clone();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        self.view(order)
    }

    /// The first `count` images, or all where there are not so many.
    pub fn subset(&self, count: usize) -> Self {
        self.view(self.order.iter().copied().take(count).collect())
    }

    /// Two data sets: the second has every `n`-th image (the first of them is number `n − 1`), the
    /// first has the others. With an `n` of zero none is held out.
    pub fn hold_out(&self, n: usize) -> (Self, Self) {
        let held = |at: usize| n != 0 && at % n == n - 1;
        let pick = |wanted: bool| {
            let order = self.order.iter().enumerate().filter(|(at, _)| held(*at) == wanted);
            self.view(order.map(|(_, image)| *image).collect())
        };
        (pick(false), pick(true))
    }

    /// The images in batches of `size` (at least one); the last batch holds what is left.
    pub fn batches(&self, size: usize) -> Batches<'_> {
        Batches { dataset: self, chunks: self.order.chunks(size.max(1)) }
    }

    fn view(&self, order: Vec<usize>) -> Self {
        let (normalisation, images) = (self.normalisation.clone(), Arc::clone(&self.images));
        Self { shape: self.shape, classes: self.classes, normalisation, images, order }
    }

    fn batch(&self, order: &[usize]) -> Batch {
        let plane = self.shape.pixels();
        let mut images = Tensor::zeros(self.shape.nchw(order.len()));
        for (at, to) in order.iter().zip(images.data_mut().chunks_exact_mut(self.shape.len())) {
            for (channel, to) in to.chunks_exact_mut(plane).enumerate() {
                let start = at * self.shape.len() + channel * plane;
                self.images.pixels.read(start, to, self.normalisation.of(channel));
            }
        }
        Batch { images, targets: self.images.targets_of(order) }
    }
}

impl Images {
    /// How many there are.
    fn count(&self) -> usize {
        match &self.targets {
            Targets::Classes(labels) => labels.len(),
            Targets::Values(values) => values.nchw()[0],
        }
    }

    /// The targets of the images with these numbers.
    fn targets_of(&self, order: &[usize]) -> Targets {
        match &self.targets {
            Targets::Classes(labels) => order.iter().map(|at| labels[*at]).collect::<Vec<_>>().into(),
            Targets::Values(values) => {
                let row = (values.len() / self.count()).max(1);
                let mut shape = values.shape().to_vec();
                shape[0] = order.len();
                let mut picked = Tensor::zeros(shape);
                for (at, to) in order.iter().zip(picked.data_mut().chunks_exact_mut(row)) {
                    to.copy_from_slice(&values.data()[at * row..][..row]);
                }
                picked.into()
            }
        }
    }
}

/// Checks the shape of images, and that there are as many pixels as so many of them have.
fn check_pixels(shape: Shape, pixels: &Pixels, images: usize) -> Result<()> {
    let sizes = [shape.channels, shape.height, shape.width];
    if sizes.contains(&0) {
        let expected = "[channels, height, width], none of them 0".into();
        return Err(Error::Input { what: "images".into(), expected, got: sizes.into() });
    }
    let wanted = sizes.iter().try_fold(images, |product, size| product.checked_mul(*size));
    if wanted != Some(pixels.len()) {
        let expected = format!("[{images} x {} x {} x {}]", sizes[0], sizes[1], sizes[2]);
        return Err(Error::Input { what: "pixels".into(), expected, got: vec![pixels.len()] });
    }
    Ok(())
}

/// The batches of a data set, made by [`Dataset::batches`].
#[derive(Debug, Clone)]
pub struct Batches<'a> {
    dataset: &'a Dataset,
    chunks: std::slice::Chunks<'a, usize>,
}

impl Iterator for Batches<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        self.chunks.next().map(|order| self.dataset.batch(order))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl ExactSizeIterator for Batches<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images of one pixel, whose value in 255ths is their number.
    fn numbered(count: u8) -> Dataset {
        Dataset::new([1, 1, 1], (0..count).collect::<Vec<u8>>(), vec![0; count.into()], 1).unwrap()
    }

    fn numbers(dataset: &Dataset) -> Vec<u8> {
        let numbers = |batch: Batch| batch.images.map(|x| (x * 255.0).round() as u8).into_data();
        dataset.batches(7).flat_map(numbers).collect()
    }

    #[test]
    fn the_order_of_a_seed_never_changes() {
        // Training runs are repeated by their seed: a new version of `rand` must not change this.
        assert_eq!(numbers(&numbered(10).shuffled(0)), [2, 8, 6, 1, 9, 5, 7, 4, 0, 3]);
        assert_ne!(numbers(&numbered(10).shuffled(1)), numbers(&numbered(10).shuffled(0)));
    }

    #[test]
    fn views_share_their_pixels() {
        let data = numbered(10);
        let shuffled = data.shuffled(3);
        assert!(Arc::ptr_eq(&data.images, &shuffled.images));
        assert_eq!(numbers(&shuffled.subset(4)), numbers(&shuffled)[..4]);
        let mut sorted = numbers(&shuffled);
        sorted.sort_unstable();
        assert_eq!(sorted, numbers(&data));
    }
}
