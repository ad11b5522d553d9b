//! The table for people.

use super::super::ceilings::Bound;
use super::super::row::Row;

/// Prints the names of the columns.
pub fn heading() {
    println!(
        "{:56} {:>10} {:>21} {:>9} {:>8} {:>11}",
        "case", "median ms", "quartiles ms", "GFLOP/s", "GB/s", "of ceiling"
    );
}

/// Prints a row.
pub fn print(row: &Row) {
    let [first, third] = row.quartiles_ms;
    let number = |value: Option<f64>| value.map(|value| format!("{value:.2}")).unwrap_or_default();
    println!(
        "{:56} {:>10.3} {:>10.3} {:>10.3} {:>9} {:>8} {:>11}{}",
        row.case,
        row.median_ms,
        first,
        third,
        number(row.gflops),
        number(row.gbps),
        ceiling(row),
        memory(row),
    );
}

/// The part of the ceiling that a row reaches, and which: `62 % A`.
fn ceiling(row: &Row) -> String {
    let (Some(fraction), Some(bound)) = (row.ceiling_fraction, row.bound) else { return String::new() };
    let bound = match bound {
        Bound::Arithmetic => "A",
        Bound::Memory => "M",
    };
    format!("{:.0} % {bound}", fraction * 100.0)
}

fn memory(row: &Row) -> String {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    row.memory.map_or_else(String::new, |memory| {
        let part = 100.0 * memory.peak as f64 / memory.tensors as f64;
        format!("  {:.1} MiB at its peak, {part:.0} % of all tensors", mib(memory.peak))
    })
}
