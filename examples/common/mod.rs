//! What the examples share: options, a trainer on a GPU or without one, progress, and pictures.

mod confusion;
mod engine;
mod history;
mod networks;
mod options;
mod pictures;
mod progress;
mod run;

use std::io::Write;
use std::process::ExitCode;

pub use options::{Defaults, Options};
pub use run::{Task, train};

/// The examples pass on errors of this crate, of the system and of other crates alike.
pub type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Parses the command line and runs an example. What goes wrong is said in one line; the exit code is
/// then 1.
pub fn main<C: clap::Parser>(
    defaults: &Defaults,
    run: impl FnOnce(C) -> Result<()>,
    options: impl FnOnce(&C) -> &Options,
) -> ExitCode {
    let cli = match options::parse::<C>(defaults) {
        Ok(cli) => cli,
        Err(answer) => {
            // Where not even this can be printed, the exit code remains.
            let _ = answer.print();
            return if answer.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let result = if options(&cli).list_adapters { list_adapters() } else { run(cli) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list_adapters() -> Result<()> {
    let adapters = wgcnn::gpu::adapters();
    if adapters.is_empty() {
        return Err("there is no adapter that can run compute shaders".into());
    }
    let mut out = std::io::stdout().lock();
    adapters.iter().try_for_each(|adapter| writeln!(out, "{adapter}"))?;
    Ok(())
}
