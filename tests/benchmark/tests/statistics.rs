//! Medians and quartiles.

use crate::statistics::Samples;

#[test]
fn an_odd_number_has_one_in_the_middle() {
    let samples = Samples::new(vec![5.0, 1.0, 3.0]);
    assert_eq!((samples.min(), samples.median(), samples.count()), (1.0, 3.0, 3));
    assert_eq!(samples.quartiles(), [2.0, 4.0]);
}

#[test]
fn an_even_number_has_a_mean_in_the_middle() {
    assert_eq!(Samples::new(vec![4.0, 1.0, 2.0, 3.0]).median(), 2.5);
}

#[test]
fn one_is_its_own_quartiles() {
    assert_eq!(Samples::new(vec![7.0]).quartiles(), [7.0, 7.0]);
}
