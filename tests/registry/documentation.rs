//! `docs/operators.md` is current.

use std::path::Path;

use crate::common::page;

#[test]
fn the_page_of_operators_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operators.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let page = page::page().unwrap();
    let (written, _) = written.split_once(page::MEASURED).unwrap_or((&written, ""));
    let differs = written.lines().zip(page.lines()).find(|(written, wanted)| written != wanted);
    assert!(written == page, "{} is not current; `./dev operators` writes it: {differs:?}", path.display());
}
