//! Which ceiling is the nearer one.

use crate::ceilings::{Bound, Ceilings, Work};

fn ceilings() -> Ceilings {
    Ceilings { multiply_add: 1e9, copy: vec![(1 << 10, 1e9), (1 << 14, 3e9), (1 << 20, 0.5e9)] }
}

#[test]
fn bandwidth_is_that_of_the_sizes_nearby() {
    let ceilings = ceilings();
    assert_eq!(ceilings.bandwidth(1), 1e9);
    assert_eq!(ceilings.bandwidth(1 << 14), 3e9);
    assert!((ceilings.bandwidth(1 << 12) - 2e9).abs() < 1.0);
    assert_eq!(ceilings.bandwidth(1 << 30), 0.5e9);
}

#[test]
fn the_slower_of_the_two_decides() {
    let ceilings = ceilings();
    assert_eq!(ceilings.least(&[Work { flops: 2_000_000_000, bytes: 16 }]), (2.0, Bound::Arithmetic));
    assert_eq!(ceilings.least(&[Work { flops: 1, bytes: 500_000_000 }]), (1.0, Bound::Memory));
}

#[test]
fn parts_wait_for_each_other() {
    let parts = [Work { flops: 2_000_000_000, bytes: 0 }, Work { flops: 0, bytes: 500_000_000 }];
    assert_eq!(ceilings().least(&parts), (3.0, Bound::Arithmetic));
}

#[test]
fn nothing_takes_no_time() {
    assert_eq!(ceilings().least(&[Work::default()]).0, 0.0);
}
