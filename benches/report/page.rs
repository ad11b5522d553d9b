//! The measured part of `docs/performance.md`.

use std::fmt::Write;
use std::path::Path;

use super::super::Result;
use super::super::ceilings::Bound;
use super::super::row::Row;

/// What the measured part lies between.
const BEGIN: &str = "<!-- measured: from here on `./dev bench --page` writes -->\n";
const END: &str = "<!-- measured: up to here -->\n";

/// Puts new results in the place of a page's old ones.
///
/// # Errors
/// Where the page cannot be read or written, or has no such part.
pub fn replace(path: &Path, rows: &[Row]) -> Result<()> {
    let failed = |error: String| format!("{}: {error}", path.display());
    let page = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let page =
        with_measured(&page, &measured(rows)).ok_or_else(|| failed("it has no measured part".into()))?;
    std::fs::write(path, page).map_err(|error| failed(error.to_string()).into())
}

/// The page with another measured part.
pub fn with_measured(page: &str, measured: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{measured}\n{END}{after}"))
}

/// A section of the page: its heading, and how the names of its cases begin.
const SECTIONS: [(&str, &[&str]); 6] = [
    ("The adapter's ceilings", &["ceiling/"]),
    ("Convolutions", &["conv/"]),
    ("Other layers", &["pool/", "batch_norm/", "relu/", "add/", "chain/"]),
    ("All operators", &["operator/"]),
    ("Networks", &["step/", "inference/"]),
    ("From the start of a process to its first result", &["start/"]),
];

/// The measured part.
pub fn measured(rows: &[Row]) -> String {
    let adapter = rows.first().map_or("", |row| &row.adapter);
    let mut page = format!("Measured on {adapter}.\n");
    for (heading, prefixes) in SECTIONS {
        let own: Vec<&Row> =
            rows.iter().filter(|row| prefixes.iter().any(|prefix| row.case.starts_with(prefix))).collect();
        if own.is_empty() {
            continue;
        }
        let columns: Vec<&Column> =
            COLUMNS.iter().filter(|column| own.iter().any(|row| (column.cell)(row).is_some())).collect();
        // What is written to a string goes well.
        let _ = write!(page, "\n### {heading}\n\n| case |");
        columns.iter().for_each(|column| page += &format!(" {} |", column.heading));
        page += "\n| --- |";
        columns.iter().for_each(|column| page += column.rule);
        for row in own {
            let _ = write!(page, "\n| {} |", row.case);
            columns
                .iter()
                .for_each(|column| page += &format!(" {} |", (column.cell)(row).unwrap_or_default()));
        }
        page.push('\n');
    }
    page
}

/// A column of the tables.
struct Column {
    heading: &'static str,
    rule: &'static str,
    cell: fn(&Row) -> Option<String>,
}

const COLUMNS: [Column; 7] = [
    Column { heading: "median ms", rule: " ---: |", cell: |row| Some(number(row.median_ms)) },
    Column {
        heading: "quartiles ms",
        rule: " ---: |",
        cell: |row| {
            let [first, third] = row.quartiles_ms.map(number);
            (row.samples > 1).then(|| format!("{first} to {third}"))
        },
    },
    Column { heading: "GFLOP/s", rule: " ---: |", cell: |row| row.gflops.map(number) },
    Column { heading: "GB/s", rule: " ---: |", cell: |row| row.gbps.map(number) },
    Column {
        heading: "of its ceiling",
        rule: " ---: |",
        cell: |row| {
            let bound = match row.bound? {
                Bound::Arithmetic => "arithmetic",
                Bound::Memory => "memory",
            };
            Some(format!("{:.0} % ({bound})", row.ceiling_fraction? * 100.0))
        },
    },
    Column {
        heading: "peak memory",
        rule: " ---: |",
        cell: |row| {
            let memory = row.memory?;
            let part = 100.0 * memory.peak as f64 / memory.tensors as f64;
            Some(format!("{:.1} MiB, {part:.0} % of all tensors", memory.peak as f64 / f64::from(1 << 20)))
        },
    },
    Column {
        heading: "kernels",
        rule: " --- |",
        cell: |row| {
            let own = !row.case.starts_with("ceiling/") && row.memory.is_none() && !row.variant.is_empty();
            own.then(|| row.variant.split(", ").map(kernel).collect::<Vec<_>>().join(", "))
        },
    },
];

/// A kernel with what is fused into it, but without the sections that say how numbers lie in memory: a table has no room.
fn kernel(variant: &str) -> String {
    let is_said =
        |word: &&str| !["storage=", "plain=", "pair="].iter().any(|section| word.starts_with(section));
    format!("`{}`", variant.split(' ').filter(is_said).collect::<Vec<_>>().join(" "))
}

/// Three digits or so.
fn number(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        1.0..10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
