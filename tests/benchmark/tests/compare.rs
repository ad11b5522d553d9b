//! What counts as a change.

use crate::report::compare::Verdict;
use crate::row::Row;
use crate::statistics::Samples;

fn row(seconds: [f64; 5]) -> Row {
    Row::new("case", "adapter", String::new(), &Samples::new(seconds.into()))
}

#[test]
fn what_is_beyond_the_spread_counts() {
    let old = row([1.0, 1.1, 1.2, 1.3, 1.4]);
    assert_eq!(Verdict::of(&old, &row([0.7, 0.8, 0.9, 1.0, 1.1])), Verdict::Faster);
    assert_eq!(Verdict::of(&row([0.7, 0.8, 0.9, 1.0, 1.1]), &old), Verdict::Slower);
}

#[test]
fn what_is_within_the_spread_does_not() {
    let old = row([1.0, 1.1, 1.2, 1.3, 1.4]);
    assert_eq!(Verdict::of(&old, &row([0.9, 1.0, 1.1, 1.2, 1.3])), Verdict::Same);
}

#[test]
fn nor_does_a_hundredth_without_any_spread() {
    assert_eq!(Verdict::of(&row([1.0; 5]), &row([1.01; 5])), Verdict::Same);
    assert_eq!(Verdict::of(&row([1.0; 5]), &row([1.03; 5])), Verdict::Slower);
}
