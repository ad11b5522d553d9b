//! Measures wgcnn: `./dev bench`, or `cargo bench --bench performance -- --help`.
//!
//! First the adapter's own ceilings, then operators, whole networks, and processes from their start. What a row computes
//! is checked before it is timed. `docs/performance.md` says how to read the results.

#[path = "../tests/common"]
mod common {
    #[allow(dead_code, reason = "convolutions are sums")]
    pub mod bound;
    #[allow(dead_code, reason = "no case comes from a file here")]
    pub mod case;
    pub mod draft;
    #[allow(dead_code, reason = "only whole cases are computed here")]
    pub mod gpu;
    pub mod mismatch;
    pub mod reference;
    #[path = "../../benches/operators/rows.rs"]
    pub mod rows;
    #[allow(dead_code, reason = "the methods that are not called here are the tests'")]
    pub mod subject;
    pub mod values;
}

mod bench;
mod ceilings;
mod cost;
mod networks;
mod operators;
mod options;
mod report;
mod rooflines;
mod row;
mod sampling;
mod start;
mod statistics;

use std::fs::OpenOptions;
use std::process::ExitCode;

use bench::Bench;
use clap::Parser;
use options::Options;
use report::{chart, compare, json, page, table};
use row::Row;

/// The benchmark passes on errors of this crate, of the system and of other crates alike.
pub type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    env_logger::init();
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<()> {
    if let Some(start) = options.start {
        return start::child(start, &options);
    }
    // Before anything is measured, as the new results may be written in their place.
    let old = options.compare.as_deref().map(json::read).transpose()?;
    for path in [&options.json, &options.chart, &options.page].into_iter().flatten() {
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    let rows = match &options.results {
        Some(path) => {
            let rows = json::read(path)?;
            table::heading();
            rows.iter().for_each(table::print);
            rows
        }
        None => measure(&options)?,
    };
    if let Some(path) = &options.json {
        json::write(path, &rows)?;
    }
    if let Some(path) = &options.chart {
        chart::save(path, &rows)?;
    }
    if let Some(path) = &options.page {
        page::replace(path, &rows)?;
    }
    if let Some(old) = old {
        compare::print(&old, &rows);
    }
    Ok(())
}

/// Measures what is asked for.
fn measure(options: &Options) -> Result<Vec<Row>> {
    let mut bench = Bench::new(options)?;
    println!("{}", bench.context.description());
    let clock = if bench.stopwatch.reads_device_clock() { "the device's" } else { "the host's" };
    println!("dispatches are timed by {clock} clock\n");
    table::heading();
    let ceilings = rooflines::measure(&mut bench)?;
    operators::measure(&mut bench, &ceilings)?;
    networks::measure(&mut bench, &ceilings)?;
    start::measure(&mut bench)?;
    if !bench.rows.iter().any(|row| options.wants(&row.case)) {
        return Err(format!("there is no case whose name contains {}", options.filters.join(" or ")).into());
    }
    rooflines::recheck(&bench, &ceilings)?;
    Ok(bench.rows)
}
