//! The kernels, on whatever adapter the environment selects.

#[path = "../common/mod.rs"]
mod common;

use std::path::Path;

use common::case::{self, Case};
use common::gpu;
use wgcnn::gpu::Context;
use wgcnn::ops::registry;

#[test]
fn cases_of_known_operators_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for subgroups in [true, false] {
    let context = Context::builder().poison(true).subgroups(subgroups).build().unwrap();
    let (mut failures, mut passed) = (Vec::new(), 0);
    for file in case::files(&folder).unwrap() {
        let case = Case::read(&file).unwrap();
        let Some(entry) = registry::find(&case.operator) else { continue };
        match gpu::run(&context, &case, entry) {
            Err(message) => failures.push(format!("{}: did not run: {message}", case.name)),
            Ok(results) => {
                let mismatches = case.mismatches(&results);
                passed += usize::from(mismatches.is_empty());
                failures.extend(mismatches.iter().map(|mismatch| format!("{}: {mismatch}", case.name)));
            }
        }
    }
    println!("{passed} passed on {}", context.description());
    assert!(failures.is_empty(), "{passed} cases passed, but\n{}", failures.join("\n"));
    }
}
