//! Checks the kernels, or the CPU reference, against a folder of operator cases, or of the tests of ONNX's backends.
//!
//! ```sh
//! cargo run --release --example conformance -- tests/cases
//! cargo run --release --example conformance -- tests/cases --filter conv2d --adapter llvmpipe
//! cargo run --release --features onnx --example conformance -- tests/onnx --reference
//! ```
//!
//! `tests/cases/README.md` describes the files of cases, `docs/conformance.md` the tests of ONNX. What is wrong is a
//! line of the output each; the last line counts the cases. The exit code is 1 where a case failed or nothing could
//! be run.

#[path = "../tests/common"]
mod common {
    pub mod case;
    #[cfg(feature = "onnx")]
    pub mod evaluate;
    pub mod gpu;
    pub mod mismatch;
    #[cfg(feature = "onnx")]
    pub mod onnx;
    pub mod reference;
    pub mod suite;
}

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use common::{gpu, reference, suite};
use wgcnn::gpu::{Context, adapters};

/// Checks the kernels, or the CPU reference, against a folder of operator cases, or of the tests of ONNX's backends.
#[derive(Parser)]
struct Arguments {
    /// The folder of case files (*.safetensors), or of ONNX tests (each a folder with a model.onnx).
    #[arg(required_unless_present = "list_adapters")]
    folder: Option<PathBuf>,
    /// Only the cases of this operator, or whose name contains this.
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
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing failed.
fn check(arguments: &Arguments) -> Result<bool, String> {
    let folder = arguments.folder.as_deref().ok_or("no folder of cases was named")?;
    let filter = arguments.filter.as_deref();
    let context = if arguments.reference { None } else { Some(context(arguments.adapter.as_deref())?) };
    if let Some(context) = &context {
        println!("{}", context.description());
    }
    if let Some(passed) = check_onnx(folder, filter, context.as_ref())? {
        return Ok(passed);
    }
    let report = |failure: &str| println!("{failure}");
    let tally = match &context {
        Some(context) => suite::run(folder, filter, |case, entry| gpu::run(context, case, entry), report),
        None => suite::run(folder, filter, reference::run, report),
    }?;
    println!("{tally}");
    Ok(tally.failed == 0)
}

fn context(adapter: Option<&str>) -> Result<Context, String> {
    let mut builder = Context::builder();
    if let Some(name) = adapter {
        builder = builder.adapter_name(name);
    }
    builder.build().map_err(|e| e.to_string())
}

/// Whether all ONNX tests under the folder that are supported pass; `None` where there are no such tests.
#[cfg(feature = "onnx")]
fn check_onnx(
    folder: &Path,
    filter: Option<&str>,
    context: Option<&Context>,
) -> Result<Option<bool>, String> {
    use common::evaluate::Engine;
    use common::onnx;

    let folders = onnx::folders(folder)?;
    if folders.is_empty() {
        return Ok(None);
    }
    let engine = context.map_or(Engine::Reference, Engine::Gpu);
    let summary = onnx::run(&folders, filter, &engine, |line| println!("{line}"));
    println!("{summary}");
    if summary.all.total() == 0 {
        return Err(format!("none of the {} tests under {} counts", folders.len(), folder.display()));
    }
    Ok(Some(summary.all.failed == 0))
}

#[cfg(not(feature = "onnx"))]
fn check_onnx(folder: &Path, _: Option<&str>, _: Option<&Context>) -> Result<Option<bool>, String> {
    let is_test = |path: &Path| path.join("model.onnx").is_file();
    let mut entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    if is_test(folder) || entries.any(|entry| entry.is_ok_and(|entry| is_test(&entry.path()))) {
        return Err("these are tests of ONNX's backends; build with --features onnx to run them".into());
    }
    Ok(None)
}
