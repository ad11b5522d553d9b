//! Runs a folder of operator cases and counts what passes.

use std::fmt;
use std::path::Path;

use wgcnn::ops::registry::{self, Entry};

use super::case::{self, Case, Results};

/// How many cases passed, failed, and were skipped because nobody knows their operator.
#[derive(Debug, Default, PartialEq)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Runs the cases of `folder` through `execute`, and tells `report` of everything that is wrong. With a `filter`
/// only those count whose operator it names or whose file name contains it.
///
/// # Errors
/// Where the folder cannot be read or nothing in it counts. A file that cannot be read is a case that failed.
pub fn run(
    folder: &Path,
    filter: Option<&str>,
    execute: impl Fn(&Case, &Entry) -> Result<Results, String>,
    mut report: impl FnMut(&str),
) -> Result<Tally, String> {
    let mut tally = Tally::default();
    for file in case::files(folder)? {
        let named = |name: &str| filter.is_none_or(|filter| name.contains(filter));
        let case = match Case::read(&file) {
            Ok(case) if named(&case.name) || filter == Some(&case.operator) => case,
            Err(message) if named(&file.to_string_lossy()) => {
                tally.failed += 1;
                report(&message);
                continue;
            }
            _ => continue,
        };
        let Some(entry) = registry::find(&case.operator) else {
            tally.skipped += 1;
            continue;
        };
        let wrong: Vec<String> = match execute(&case, entry) {
            Ok(results) => case.mismatches(&results).iter().map(ToString::to_string).collect(),
            Err(message) => vec![format!("did not run: {message}")],
        };
        if wrong.is_empty() {
            tally.passed += 1;
        } else {
            tally.failed += 1;
            wrong.iter().for_each(|wrong| report(&format!("{}: {wrong}", case.name)));
        }
    }
    match filter {
        Some(filter) if tally == Tally::default() => {
            Err(format!("no case in {} is of an operator or has a name like {filter:?}", folder.display()))
        }
        _ => Ok(tally),
    }
}
