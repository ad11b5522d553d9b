//! What changed since an earlier run.

use std::fmt;

use super::super::row::Row;

/// What is to be said of two measurements of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Faster,
    Slower,
    /// The middle halves of their times overlap, or the medians are as good as equal.
    Same,
}

/// Medians that are closer than this are as good as equal, whatever the spread.
const EQUAL: f64 = 0.02;

impl Verdict {
    /// What is to be said of a case that took so long before, and takes so long now.
    pub fn of(old: &Row, new: &Row) -> Self {
        let equal = (new.median_ms / old.median_ms - 1.0).abs() < EQUAL;
        let [(old_first, old_third), (new_first, new_third)] =
            [old, new].map(|row| (row.quartiles_ms[0], row.quartiles_ms[1]));
        if !equal && new_third < old_first {
            Self::Faster
        } else if !equal && new_first > old_third {
            Self::Slower
        } else {
            Self::Same
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Faster => "faster",
            Self::Slower => "SLOWER",
            Self::Same => "same",
        })
    }
}

/// Prints a line for each case that is in both.
pub fn print(old: &[Row], new: &[Row]) {
    println!("\n{:44} {:>10} {:>10} {:>8}", "case", "before ms", "now ms", "now is");
    for new in new {
        let Some(old) = old.iter().find(|old| old.case == new.case) else { continue };
        let elsewhere = if old.adapter == new.adapter { "" } else { ", on another adapter" };
        println!(
            "{:44} {:>10.3} {:>10.3} {:>6.2} x  {}{elsewhere}",
            new.case,
            old.median_ms,
            new.median_ms,
            old.median_ms / new.median_ms,
            Verdict::of(old, new),
        );
    }
}
