//! The data set in the repository.

use wgcnn::data::digits;

#[test]
fn every_image_is_there() {
    let digits = digits().unwrap();
    assert_eq!((digits.len(), digits.classes()), (1797, 10));
    // The counts of the classes in scikit-learn: numpy.bincount(load_digits().target).
    let mut counts = [0; 10];
    digits.labels().for_each(|label| counts[label as usize] += 1);
    assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    // load_digits().data.sum() is 561718, of 16ths.
    let sum: f32 = digits.batches(1797).flat_map(|batch| batch.images.into_data()).sum();
    assert!((sum * 16.0 - 561_718.0).abs() < 100.0, "{}", sum * 16.0);
}

#[test]
fn the_first_image_is_the_zero_that_everybody_knows() {
    let zero = digits().unwrap().picture(0).unwrap();
    assert_eq!(zero.shape(), [1, 8, 8]);
    assert_eq!(
        zero.data()[..8].iter().map(|x| x * 16.0).collect::<Vec<_>>(),
        [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0]
    );
}
