//! How the axes of an ONNX tensor lie in an activation of channels, height and width.
//!
//! Both are row-major, so that an activation may have any shape of as many elements: what differs is which axis an
//! operator finds where. A converter whose operator cares asks for the shape it wants.

use crate::network::ValueId;
use crate::ops::Refusal;
use crate::shape::Shape;

/// What axis 0 of the values of a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batch {
    /// The batch, of this size where the model fixes it.
    Axis(Option<usize>),
    /// An axis like any other: all of a value is one sample.
    One,
}

/// A value that the network computes.
#[derive(Debug, Clone)]
pub(super) struct Activation {
    /// Where it is in the network, in whatever shape.
    pub id: ValueId,
    /// The sizes of its axes without that of the batch.
    pub sample: Vec<usize>,
}

/// The number of elements, at most that of the machine's numbers.
pub(super) fn product(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |len, size| len.saturating_mul(*size))
}

/// How a sample of these axes lies: `[c]` as features, `[c, w]` as rows of one pixel's height, `[c, h, w]` as an
/// image, and of more axes those between the first and the last as one. Axes of size 1 before three others
/// do not count: they are a batch of one.
pub(super) fn canonical(sample: &[usize]) -> Shape {
    let mut sample = sample;
    while let [1, rest @ ..] = sample {
        if rest.len() < 3 {
            break;
        }
        sample = rest;
    }
    match sample {
        [] => Shape::features(1),
        [channels] => Shape::features(*channels),
        [channels, between @ .., width] => Shape::new(*channels, product(between), *width),
    }
}

/// A shape in which `axis` of a sample is an axis of its own, and which: 1, 2 or 3 for channels, height or width.
/// It is the canonical one where that will do.
pub(super) fn with_axis(sample: &[usize], axis: usize) -> (Shape, usize) {
    let at = match (sample.len(), axis) {
        (1, _) => Some(1),
        (2, 0) => Some(1),
        (2, 1) => Some(3),
        (3, _) => Some(axis + 1),
        _ => None,
    };
    match at {
        Some(at) => (canonical(sample), at),
        None => (Shape::new(product(&sample[..axis]), sample[axis], product(&sample[axis + 1..])), 2),
    }
}

/// The axis that `index` means among `rank` axes; a negative one counts from behind.
pub(super) fn axis(index: i64, rank: usize) -> Result<usize, Refusal> {
    let from_front = if index < 0 { index.checked_add(rank as i64) } else { Some(index) };
    from_front
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|axis| *axis < rank)
        .ok_or_else(|| format!("axis {index} is not one of the {rank} axes of its input"))
}

/// A size or a step that came as an integer.
pub(super) fn size(what: &str, value: i64) -> Result<usize, Refusal> {
    u32::try_from(value)
        .map(|size| size as usize)
        .map_err(|_| format!("{what} is {value}; it must be from 0 to 2³² − 1"))
}

/// Sizes or steps that came as integers.
pub(super) fn sizes(what: &str, values: &[i64]) -> Result<Vec<usize>, Refusal> {
    values.iter().map(|value| size(what, *value)).collect()
}

/// The sizes of `a` and `b` together: where one is 1 or lacks an axis in front, the other's counts.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Refusal> {
    let rank = a.len().max(b.len());
    let (long_a, long_b) = (lengthened(a, rank), lengthened(b, rank));
    let joined = long_a.iter().zip(&long_b).map(|sizes| match sizes {
        (a, b) if a == b => Some(*a),
        (size, 1) | (1, size) => Some(*size),
        _ => None,
    });
    joined.collect::<Option<Vec<usize>>>().ok_or_else(|| {
        format!("its inputs are of sizes {a:?} and {b:?}; along each axis they must be equal or 1")
    })
}

/// The sizes with ones in front, `rank` in all.
pub(super) fn lengthened(sizes: &[usize], rank: usize) -> Vec<usize> {
    let mut all = vec![1; rank.saturating_sub(sizes.len())];
    all.extend(sizes);
    all
}

/// The elements of a tensor of `sizes` repeated over a tensor of `over`, which [`broadcast`] made of them.
pub(super) fn spread(values: &[f32], sizes: &[usize], over: &[usize]) -> Vec<f32> {
    let sizes = lengthened(sizes, over.len());
    let element = |mut at: usize| {
        let (mut from, mut step) = (0, 1);
        for (size, over) in sizes.iter().zip(over).rev() {
            if *size > 1 {
                from += at % over * step;
            }
            at /= over;
            step *= size;
        }
        values.get(from).copied().unwrap_or_default()
    };
    (0..product(over)).map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_has_a_place() {
        for (sample, shape) in [
            (&[][..], [1, 1, 1]),
            (&[5], [5, 1, 1]),
            (&[4, 5], [4, 1, 5]),
            (&[3, 4, 5], [3, 4, 5]),
            (&[2, 3, 4, 5], [2, 12, 5]),
            (&[1, 3, 4, 5], [3, 4, 5]),
            (&[1, 1, 2, 3, 4, 5], [2, 12, 5]),
            (&[1, 4, 5], [1, 4, 5]),
        ] {
            assert_eq!(canonical(sample), shape.into(), "{sample:?}");
        }
        assert_eq!(with_axis(&[4, 5], 1), ([4, 1, 5].into(), 3));
        assert_eq!(with_axis(&[3, 4, 5], 2), ([3, 4, 5].into(), 3));
        assert_eq!(with_axis(&[2, 3, 4, 5], 1), ([2, 3, 20].into(), 2));
        assert_eq!(with_axis(&[2, 3, 4, 5], 3), ([24, 5, 1].into(), 2));
    }

    #[test]
    fn axes_count_from_either_end() {
        assert_eq!((axis(1, 3), axis(-1, 3)), (Ok(1), Ok(2)));
        for index in [3, -4, i64::MIN, i64::MAX] {
            assert_eq!(axis(index, 3), Err(format!("axis {index} is not one of the 3 axes of its input")));
        }
    }

    #[test]
    fn broadcasting_repeats_along_axes_of_one() {
        assert_eq!(broadcast(&[3, 1, 5], &[4, 1]), Ok(vec![3, 4, 5]));
        assert!(broadcast(&[3, 4], &[3]).unwrap_err().contains("[3, 4] and [3]"));
        assert_eq!(
            spread(&[1.0, 2.0], &[2, 1], &[2, 2, 3]),
            [1., 1., 1., 2., 2., 2., 1., 1., 1., 2., 2., 2.]
        );
        assert_eq!(spread(&[7.0], &[], &[2]), [7.0; 2]);
    }
}
