//! The small data set that comes with the crate.

use std::path::Path;

use super::source::Source;
use super::{Dataset, Pixels};
use crate::{Error, Result};

/// Where the file lies in the repository; errors name it so.
const PATH: &str = "data/digits/digits.csv.gz";

const SIDE: usize = 8;
const CLASSES: usize = 10;

/// The value of a pixel that is all ink.
const INK: u8 = 16;

/// 1,797 handwritten digits of 8 x 8 pixels, paper being 0 and ink 1, in ten classes.
///
/// "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak, UCI Machine Learning
/// Repository, 1998, [doi:10.24432/C50P49](https://doi.org/10.24432/C50P49), under
/// [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/). It is part of the program that calls this
/// function: there is nothing to download.
///
/// The test set that accuracies of this project refer to is every third image:
///
/// ```
/// # #[cfg(feature = "gzip")]
/// # fn main() -> wgcnn::Result<()> {
/// let (train, test) = wgcnn::data::digits()?.hold_out(3);
/// assert_eq!((train.len(), test.len()), (1198, 599));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "gzip"))]
/// # fn main() {}
/// ```
///
/// # Errors
/// [`Error::Data`] where the crate was built without its feature `gzip`.
pub fn digits() -> Result<Dataset> {
    let file: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits/digits.csv.gz"));
    let bytes = Source::new(Path::new(PATH), file)?.read(u64::MAX)?;
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
        let (image, label) = parse(line).ok_or_else(|| {
            let expected = "64 numbers from 0 to 16 and a digit, with commas between them";
            Error::data(PATH, format!("line {} is {line:?}, expected {expected}", number + 1))
        })?;
        pixels.extend(image.iter().map(|value| f32::from(*value) / f32::from(INK)));
        labels.push(label);
    }
    Dataset::new([1, SIDE, SIDE], Pixels::Floats(pixels), labels, CLASSES)
}

/// The pixels and the label of a line.
fn parse(line: &str) -> Option<(Vec<u8>, i32)> {
    let values: Option<Vec<u8>> = line.split(',').map(|value| value.parse().ok()).collect();
    let mut values = values?;
    let label = values.pop()?;
    let fits = values.len() == SIDE * SIDE && values.iter().all(|value| *value <= INK);
    fits.then_some((values, i32::from(label)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_64_values_and_a_digit() {
        let line = |values: usize, value: u8| format!("{}7", format!("{value},").repeat(values));
        assert_eq!(parse(&line(64, 16)), Some((vec![16; 64], 7)));
        assert_eq!(parse(&line(63, 1)), None);
        assert_eq!(parse(&line(64, 17)), None);
        assert_eq!(parse("1;2"), None);
    }
}
