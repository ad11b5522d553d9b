//! Batches, orders and refusals of data sets.

use wgcnn::data::{Batch, Dataset, Targets};
use wgcnn::{Error, Result, Tensor};

/// Images of 3 channels and 1 x 2 pixels: image `i` has the bytes `6i` to `6i + 5`, and class `i % 3`.
fn small(images: usize) -> Dataset {
    let labels = (0..images as i32).map(|i| i % 3).collect();
    Dataset::new([3, 1, 2], (0..images * 6).map(|i| i as u8).collect::<Vec<u8>>(), labels, 3).unwrap()
}

fn bytes(batch: &Batch) -> Vec<u8> {
    batch.images.map(|x| (x * 255.0).round() as u8).into_data()
}

fn message(result: Result<Dataset>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn batches_hold_every_image_once_and_in_order() {
    let data = small(10);
    for size in [1, 3, 5, 10, 11] {
        let batches: Vec<Batch> = data.batches(size).collect();
        assert_eq!(batches.len(), 10usize.div_ceil(size));
        assert_eq!(data.batches(size).len(), batches.len());
        assert_eq!(batches.iter().flat_map(bytes).collect::<Vec<_>>(), (0..60).collect::<Vec<u8>>());
        for batch in &batches {
            assert_eq!(batch.images.shape(), [batch.len(), 3, 1, 2]);
        }
        let labels: Vec<i32> = batches.into_iter().flat_map(|batch| batch.labels().to_vec()).collect();
        assert_eq!(labels, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
    }
    let last = data.batches(4).last().unwrap();
    assert_eq!((last.len(), bytes(&last)), (2, (48..60).collect()));
}

#[test]
fn one_seed_is_one_order() {
    let data = small(40);
    let order = |seed| data.shuffled(seed).batches(40).flat_map(|batch| bytes(&batch)).collect::<Vec<_>>();
    assert_eq!(order(7), order(7));
    assert_ne!(order(7), order(8));
    assert_ne!(order(7), (0..240).collect::<Vec<u8>>());
    for batch in data.shuffled(7).batches(16) {
        for (image, label) in bytes(&batch).chunks(6).zip(batch.labels()) {
            assert_eq!(i32::from(image[0] / 6 % 3), *label, "image and label part ways");
        }
    }
}

#[test]
fn normalisation_is_per_channel() {
    let data = small(2).normalised(&[0.0, 0.5, 1.0], &[1.0, 0.5, 2.0]).unwrap();
    let batch = data.subset(1).batches(8).next().unwrap();
    let expected = [0.0, 1.0 / 255.0, (2.0 / 255.0 - 0.5) / 0.5, (3.0 / 255.0 - 0.5) / 0.5];
    for (got, expected) in batch.images.data().iter().zip(expected) {
        assert!((got - expected).abs() < 1e-6, "{got} {expected}");
    }
    assert_eq!(data.picture(0), small(2).picture(0), "a picture is not normalised");
    assert_eq!(data.picture(2), None);
}

#[test]
fn floats_are_taken_as_they_are() {
    let data = Dataset::new([1, 1, 2], vec![-3.5f32, 2.0, 0.0, 9.0], vec![0, 1], 2).unwrap();
    assert_eq!(data.batches(2).next().unwrap().images.data(), [-3.5, 2.0, 0.0, 9.0]);
}

#[test]
fn values_go_with_their_images() {
    // Image `i` has the values 2i and 2i + 1.
    let values = Tensor::from_fn([10, 2], |i| i as f32);
    let data =
        Dataset::with_values([3, 1, 2], (0..60).collect::<Vec<u8>>(), values).unwrap().shuffled(3).subset(8);
    assert_eq!((data.len(), data.classes(), data.labels().len()), (8, 0, 0));
    let mut rows = data.values();
    for batch in data.batches(3) {
        let Targets::Values(values) = &batch.targets else { panic!("{:?} are no values", batch.targets) };
        assert_eq!(values.shape(), [batch.len(), 2]);
        assert!(batch.labels().is_empty());
        for (image, values) in bytes(&batch).chunks(6).zip(values.data().chunks(2)) {
            let first = f32::from(image[0] / 6 * 2);
            assert_eq!(values, [first, first + 1.0]);
            assert_eq!(rows.next(), Some(values));
        }
    }
    assert_eq!(small(4).values().len(), 0);
}

#[test]
fn holding_out_parts_the_images() {
    let (train, test) = small(10).hold_out(3);
    let firsts = |data: &Dataset| data.batches(1).map(|batch| bytes(&batch)[0] / 6).collect::<Vec<_>>();
    assert_eq!(firsts(&train), [0, 1, 3, 4, 6, 7, 9]);
    assert_eq!(firsts(&test), [2, 5, 8]);
    assert_eq!(small(10).hold_out(0).1.len(), 0);
    assert_eq!(small(10).hold_out(1).0.len(), 0);
    assert_eq!(small(10).subset(99).len(), 10);
}

#[test]
fn bad_input_is_refused_in_words() {
    let pixels = || vec![0u8; 12];
    let cases = [
        (
            Dataset::new([3, 1, 2], vec![0u8; 13], vec![0, 1], 2),
            "pixels: expected shape [2 x 3 x 1 x 2], got [13]",
        ),
        (
            Dataset::new([0, 1, 2], vec![0u8; 0], vec![0, 1], 2),
            "images: expected shape [channels, height, width], none of them 0, got [0, 1, 2]",
        ),
        (Dataset::new([usize::MAX, 8, 8], pixels(), vec![0, 1], 2), "x 8 x 8], got [12]"),
        (
            Dataset::new([3, 1, 2], pixels(), vec![0, 2], 2),
            "label 2 of image 1 is not a class: the network has 2 outputs",
        ),
        (Dataset::new([3, 1, 2], pixels(), vec![-1, 1], 2), "label -1 of image 0 is not a class"),
        (
            Dataset::with_values([3, 1, 2], pixels(), Tensor::zeros([3, 4])),
            "pixels: expected shape [3 x 3 x 1 x 2], got [12]",
        ),
        (
            Dataset::with_values([3, 1, 2], pixels(), Tensor::zeros([2, 0])),
            "values: expected shape [images, ...], none of them 0, got [2, 0]",
        ),
        (Dataset::with_values([3, 1, 2], pixels(), Tensor::full([], 1.0)), "none of them 0, got []"),
        (Dataset::with_values([3, 0, 2], pixels(), Tensor::zeros([2])), "none of them 0, got [3, 0, 2]"),
        (small(2).normalised(&[0.0, 0.0], &[1.0]), "means of a normalisation: expected shape [1] or [3]"),
        (
            small(2).normalised(&[0.0], &[]),
            "standard deviations of a normalisation: expected shape [1] or [3]",
        ),
        (small(2).normalised(&[0.0], &[0.0]), "std is 0; it must be a finite number above 0"),
        (small(2).normalised(&[f32::NAN], &[1.0]), "mean is NaN; it must be a finite number"),
    ];
    for (result, part) in cases {
        let message = message(result);
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
    let wrong = Dataset::new([3, 1, 2], pixels(), vec![0, 2], 2);
    assert!(matches!(wrong, Err(Error::Label { image: 1, label: 2, classes: 2 })));
}
