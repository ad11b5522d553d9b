//! The command line.

use std::path::PathBuf;

use clap::Parser;

use super::start::Start;

/// Times everything that wgcnn does, and compares it with what the adapter can do at most.
#[derive(Debug, Parser)]
#[command(name = "./dev bench")]
pub struct Options {
    /// Only the cases whose names contain one of these: `conv/`, `lenet`, `pool/max_k2s2/forward`
    pub filters: Vec<String>,
    /// All operators of the registry too, each by itself; their cases are called operator/NAME, and a filter that begins
    /// so finds them without this
    #[arg(long)]
    pub all: bool,
    /// Every variant of each convolution's passes, not only the one that is chosen; the cases end in @VARIANT
    #[arg(long)]
    pub variants: bool,
    /// Every kernel of each network's step and inference too, all its dispatches by themselves; the cases end in /KERNEL
    #[arg(long)]
    pub profile: bool,
    /// Fewer samples: to see that everything runs
    #[arg(long)]
    pub quick: bool,
    /// The adapter, by a part of its name
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
    /// Runs the variants without subgroup operations, to compare
    #[arg(long)]
    pub no_subgroups: bool,
    /// Prints the plan of every network: its dispatches and its memory
    #[arg(long)]
    pub plan: bool,
    /// Writes the results for machines: a list of objects
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Takes what an earlier run wrote with --json in place of measuring
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,
    /// Compares with what an earlier run wrote with --json
    #[arg(long, value_name = "OLD.json")]
    pub compare: Option<PathBuf>,
    /// Draws each case against its ceiling, as an SVG
    #[arg(long, value_name = "FILE")]
    pub chart: Option<PathBuf>,
    /// Replaces the table in docs/performance.md
    #[arg(long, value_name = "FILE")]
    pub page: Option<PathBuf>,
    /// What a process that is timed from its start does.
    #[arg(long, hide = true)]
    pub start: Option<Start>,
    /// What `cargo bench` passes to every harness.
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Options {
    /// Whether a case is asked for.
    pub fn wants(&self, case: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| case.contains(filter.as_str()))
    }
}
