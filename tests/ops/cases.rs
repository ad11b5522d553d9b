//! The cases of `tests/cases` on the kernels.

use std::path::Path;

use crate::common::{gpu, suite};
use crate::contexts::contexts;

/// Every case of an operator in the registry runs and gives what PyTorch gave.
#[test]
fn cases_of_known_operators_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for context in contexts() {
        let mut wrong = vec![];
        let tally = suite::run(
            &folder,
            None,
            |case, entry| gpu::run(context, case, entry),
            |failure| wrong.push(failure.to_owned()),
        )
        .unwrap();
        let on = context.description();
        assert!(tally.passed > 0 && tally.failed == 0, "{tally} on {on}\n{}", wrong.join("\n"));
    }
}
