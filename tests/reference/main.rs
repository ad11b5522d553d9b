//! The CPU reference in f64 against what does not come from it: PyTorch's cases, finite differences.

#[path = "../common"]
mod common {
    pub mod case;
    pub mod differences;
    pub mod mismatch;
    pub mod reference;
    pub mod suite;
    pub mod values;
}
mod gradients;

use std::path::Path;

use common::{reference, suite};

/// Every case of an operator in the registry runs and gives what PyTorch gave.
#[test]
fn cases_of_known_operators_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut wrong = vec![];
    let tally = suite::run(&folder, None, reference::run, |failure| wrong.push(failure.to_owned())).unwrap();
    assert!(tally.passed > 0 && tally.failed == 0, "{tally}\n{}", wrong.join("\n"));
}
