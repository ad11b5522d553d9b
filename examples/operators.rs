//! Writes `docs/operators.md`, and measures how large the errors are that it lists: `./dev operators` does both.
//!
//! ```sh
//! cargo run --example operators -- measure > lavapipe.txt
//! cargo run --example operators -- page lavapipe.txt > docs/operators.md
//! ```

#[path = "../tests/common"]
mod common {
    pub mod bound;
    #[allow(dead_code, reason = "what comes out of a case in a file is of no interest here")]
    pub mod case;
    pub mod draft;
    pub mod facts;
    pub mod gpu;
    pub mod oracle;
    pub mod page;
    pub mod reference;
    #[path = "../../benches/operators/rows.rs"]
    pub mod rows;
    pub mod sample;
    pub mod strategies;
    pub mod subject;
    pub mod values;
}

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use common::oracle::Oracle;
use common::sample::sample;
use common::strategies::is_small;
use common::{gpu, page};
use wgcnn::gpu::Context;
use wgcnn::ops::registry::{Entry, REGISTRY};

/// Writes `docs/operators.md`.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prints the largest error of each operator on the adapter that the environment selects, as a share of its bound.
    Measure,
    /// Prints the page. A file is what was measured on the adapter that it is named after.
    Page {
        /// What `measure` printed on some adapters.
        measured: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    env_logger::init();
    let result = match Arguments::parse().command {
        Command::Measure => measure(),
        Command::Page { measured } => print_page(&measured),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), String> {
    let contexts = variants().map_err(|e| e.to_string())?;
    for entry in REGISTRY {
        let worst = worst(entry, &contexts).map_err(|error| format!("{}: {error}", entry.name))?;
        println!("{} {worst:.2}", entry.name);
    }
    Ok(())
}

/// How many random cases of each operator are measured: every one is a pipeline or more, which drivers compile slowly.
const CASES: usize = 12;

/// With subgroup operations, where the adapter has them, and without.
fn variants() -> wgcnn::Result<Vec<Context>> {
    let open = |subgroups| Context::builder().subgroups(subgroups).build();
    let first = open(true)?;
    Ok(if first.capabilities().subgroup_size.is_some() { vec![first, open(false)?] } else { vec![first] })
}

/// The largest error over random cases, as a share of its bound.
fn worst(entry: &'static Entry, contexts: &[Context]) -> Result<f64, String> {
    let mut worst: f64 = 0.0;
    let cases = sample(entry)?.into_iter().filter_map(|draft| draft.case(entry).ok());
    for case in cases.filter(is_small).take(CASES) {
        let oracle = Oracle::of(&case, entry)?;
        if oracle.is_finite() {
            for context in contexts {
                let results = gpu::run(context, &case, entry)?;
                worst = worst.max(oracle.worst(&results)?.share());
            }
        }
    }
    Ok(worst)
}

fn print_page(measured: &[PathBuf]) -> Result<(), String> {
    print!("{}", page::page()?);
    print!("{}", measured_table(measured)?);
    Ok(())
}

/// The table of what was measured on some adapters, each in a file of its name: a line for each operator, its name and
/// the largest error as a share of its bound.
///
/// # Errors
/// Where a file cannot be read.
fn measured_table(files: &[PathBuf]) -> Result<String, String> {
    let mut names = vec![];
    let mut columns: Vec<BTreeMap<String, String>> = vec![];
    for file in files {
        names.push(file.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        columns.push(lines.map(|(name, share)| (name.to_owned(), share.to_owned())).collect());
    }
    let share =
        |name: &str, column: &BTreeMap<String, String>| column.get(name).cloned().unwrap_or("–".into());
    let row = |entry: &Entry| {
        let shares = columns.iter().map(|column| share(entry.name, column));
        [entry.name.to_owned()].into_iter().chain(shares).collect()
    };
    let rows: Vec<Vec<String>> = REGISTRY.iter().map(row).collect();
    let names: Vec<&str> = ["name"].into_iter().chain(names.iter().map(String::as_str)).collect();
    Ok(format!("{}{}{}", page::MEASURED, explanation(), page::table(&names, &rows)))
}

fn explanation() -> String {
    format!(
        "
A result y of K numbers xᵢ may be off by 4 · 2⁻²⁴ · (√(K + 1) · M + 4 · m), where M = |y| + Σ |xᵢ · ∂y/∂xᵢ| is its
condition and m the largest magnitude that enters: of the inputs, for a gradient of the one that arrives. For a sum of
products that is a small multiple of 2⁻²⁴ · √K · Σ |a·b|. The table has the largest error of output and gradients over
{CASES} random cases on each adapter, as a share of this bound; the tests refuse more than 1.

"
    )
}
