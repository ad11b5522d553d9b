//! The CPU reference in f64 against what does not come from it: PyTorch's cases, finite differences.

#[path = "../common/mod.rs"]
mod common;
mod gradients;

use std::path::Path;

use common::case::{self, Case};
use common::reference;
use wgcnn::ops::registry;

/// Every case of an operator in the registry runs and gives what PyTorch gave.
#[test]
fn cases_of_known_operators_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let (mut failures, mut passed) = (Vec::new(), 0);
    for file in case::files(&folder).unwrap() {
        let case = Case::read(&file).unwrap();
        let Some(entry) = registry::find(&case.operator) else { continue };
        match reference::run(&case, entry) {
            Err(message) => failures.push(format!("{}: did not run: {message}", case.name)),
            Ok(results) => {
                let mismatches = case.mismatches(&results);
                passed += usize::from(mismatches.is_empty());
                failures.extend(mismatches.iter().map(|mismatch| format!("{}: {mismatch}", case.name)));
            }
        }
    }
    assert!(failures.is_empty(), "{passed} cases passed, but\n{}", failures.join("\n"));
    assert!(passed > 0, "no case in {} is of a known operator", folder.display());
}
