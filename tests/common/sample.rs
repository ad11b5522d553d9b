//! Some random cases of an operator, the same ones every time.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use wgcnn::ops::registry::Entry;

use super::draft::Draft;
use super::strategies::drafts;

/// Drafts of an operator, some of which it may refuse.
///
/// # Errors
/// None that is expected.
pub fn sample(entry: &'static Entry) -> Result<Vec<Draft>, String> {
    let mut runner = TestRunner::deterministic();
    let draft = |_| drafts(entry.name).new_tree(&mut runner).map(|tree| tree.current());
    (0..64).map(draft).collect::<Result<_, _>>().map_err(|reason| reason.to_string())
}
