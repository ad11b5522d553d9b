//! Checks the kernels, or the CPU reference, against a folder of operator cases.
//!
//! ```sh
//! cargo run --release --example conformance -- tests/cases
//! cargo run --release --example conformance -- tests/cases --filter conv2d --adapter llvmpipe
//! ```
//!
//! `tests/cases/README.md` describes the files. Each tensor that is wrong is a line of the output; the last line
//! counts the cases. The exit code is 1 where a case failed or nothing could be run.

#[path = "../tests/common"]
mod common {
    pub mod case;
    pub mod gpu;
    pub mod mismatch;
    pub mod reference;
    pub mod suite;
}

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use common::suite::Tally;
use common::{gpu, reference, suite};
use wgcnn::gpu::{Context, adapters};

/// Checks the kernels, or the CPU reference, against a folder of operator cases.
#[derive(Parser)]
struct Arguments {
    /// The folder of case files (*.safetensors).
    #[arg(required_unless_present = "list_adapters")]
    folder: Option<PathBuf>,
    /// Only the cases of this operator, or whose file name contains this.
    #[arg(long, value_name = "OP")]
    filter: Option<String>,
    /// Runs on the first adapter whose description contains this.
    #[arg(long, value_name = "NAME", conflicts_with = "reference")]
    adapter: Option<String>,
    /// Checks the CPU reference, in f64, instead of a GPU.
    #[arg(long)]
    reference: bool,
    /// Lists the adapters, best first, and ends.
    #[arg(long)]
    list_adapters: bool,
}

fn main() -> ExitCode {
    env_logger::init();
    let arguments = Arguments::parse();
    if arguments.list_adapters {
        adapters().iter().for_each(|adapter| println!("{adapter}"));
        return ExitCode::SUCCESS;
    }
    match check(&arguments) {
        Ok(tally) => {
            println!("{tally}");
            if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn check(arguments: &Arguments) -> Result<Tally, String> {
    let folder = arguments.folder.as_deref().ok_or("no folder of cases was named")?;
    let filter = arguments.filter.as_deref();
    let report = |failure: &str| println!("{failure}");
    if arguments.reference {
        return suite::run(folder, filter, reference::run, report);
    }
    let mut builder = Context::builder();
    if let Some(name) = &arguments.adapter {
        builder = builder.adapter_name(name);
    }
    let context = builder.build().map_err(|e| e.to_string())?;
    println!("{}", context.description());
    suite::run(folder, filter, |case, entry| gpu::run(&context, case, entry), report)
}
