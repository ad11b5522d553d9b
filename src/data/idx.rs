//! IDX files, the format of MNIST and of the data sets made after it.
//!
//! A file is a magic number (two zero bytes, the element type, the number of dimensions), each
//! dimension as a big-endian 32-bit number, then the elements in row-major order. Elements are unsigned
//! bytes (type 0x08) here. Files compressed with gzip are read as they are.
//!
//! Format: <http://yann.lecun.com/exdb/mnist/>, "the IDX file format".

use std::path::Path;

use super::source::Source;
use super::{Dataset, Pixels};
use crate::shape::Shape;
use crate::{Error, Result};

/// The type byte of unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;

/// The content of an IDX file of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// The size of each dimension.
    pub dimensions: Vec<usize>,
    /// The elements in row-major order.
    pub values: Vec<u8>,
}

impl Idx {
    /// Reads a file, plain or compressed with gzip.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read, and [`Error::Data`] where it is not an IDX file of bytes,
    /// or is shorter or longer than its dimensions say.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let mut source = Source::open(path.as_ref())?;
        let magic = header(&mut source, 0, 4)?;
        let [0, 0, kind, rank] = magic[..] else {
            return Err(source.fault(format!(
                "it is not an IDX file: it starts with the bytes {magic:02x?}, expected \
                 [00, 00, type, number of dimensions]"
            )));
        };
        if kind != UNSIGNED_BYTE {
            return Err(source.fault(format!(
                "its elements are of type 0x{kind:02x}, expected 0x{UNSIGNED_BYTE:02x} (unsigned byte)"
            )));
        }
        let sizes = header(&mut source, 4, 4 * usize::from(rank))?;
        let (sizes, _) = sizes.as_chunks();
        let dimensions: Vec<u32> = sizes.iter().map(|size| u32::from_be_bytes(*size)).collect();
        let size = dimensions.iter().try_fold(1u64, |product, size| product.checked_mul(u64::from(*size)));
        let Some(size) = size.filter(|size| isize::try_from(*size).is_ok()) else {
            return Err(source.fault(format!("its dimensions {dimensions:?} are more than memory can hold")));
        };
        let values = source.read(size)?;
        if values.len() as u64 != size {
            let got = values.len();
            return Err(source.fault(format!(
                "it is truncated: got {got} of the {size} bytes that its dimensions {dimensions:?} ask for"
            )));
        }
        if !source.read(1)?.is_empty() {
            return Err(source
                .fault(format!("more bytes follow the {size} that its dimensions {dimensions:?} ask for")));
        }
        Ok(Self { dimensions: dimensions.iter().map(|size| *size as usize).collect(), values })
    }
}

/// The next `wanted` bytes of a header of which `before` were read.
fn header(source: &mut Source, before: usize, wanted: usize) -> Result<Vec<u8>> {
    let bytes = source.read(wanted as u64)?;
    if bytes.len() == wanted {
        return Ok(bytes);
    }
    let (got, whole) = (before + bytes.len(), before + wanted);
    Err(source.fault(format!("it is truncated: got {got} of the {whole} bytes of its header")))
}

/// A data set of two IDX files: images (`[n, height, width]`, or `[n, channels, height, width]`) and
/// as many labels (`[n]`) from 0 to `classes − 1`.
///
/// # Errors
/// Those of [`Idx::read`], and [`Error::Data`] where dimensions, counts or labels do not fit.
pub fn dataset(images: impl AsRef<Path>, labels: impl AsRef<Path>, classes: usize) -> Result<Dataset> {
    let (images, labels) = (images.as_ref(), labels.as_ref());
    let pictures = Idx::read(images)?;
    let (count, shape) = match pictures.dimensions[..] {
        [count, height, width] => (count, Shape::new(1, height, width)),
        [count, channels, height, width] => (count, Shape::new(channels, height, width)),
        ref other => {
            let expected = "[images, height, width] or [images, channels, height, width]";
            return Err(Error::data(images, format!("its dimensions are {other:?}, expected {expected}")));
        }
    };
    if count == 0 || shape.is_empty() {
        let got = &pictures.dimensions;
        return Err(Error::data(images, format!("its dimensions are {got:?}, expected none of them 0")));
    }
    let answers = Idx::read(labels)?;
    if answers.dimensions != [count] {
        let got = &answers.dimensions;
        return Err(Error::data(
            labels,
            format!(
                "its dimensions are {got:?}, expected [{count}], one label for each image of {}",
                images.display()
            ),
        ));
    }
    let answers = answers.values.into_iter().map(i32::from).collect();
    Dataset::new(shape, Pixels::Bytes(pictures.values), answers, classes)
        .map_err(|error| Error::data(labels, error.to_string()))
}
