//! Times every operator by itself: `cargo bench --bench operators [-- NAME --adapter NAME --no-subgroups]`.
//!
//! A row is the forward or the backward pass of an operator, whose dispatches are repeated until they take long enough
//! to be timed from outside. The first time, in which the driver compiles, does not count. Times on a shared machine
//! vary: compare medians of one run.

#[path = "../../tests/common"]
mod common {
    #[allow(dead_code, reason = "what comes out of a case is of no interest here")]
    pub mod case;
    pub mod draft;
    pub mod subject;
    pub mod values;
}
mod rows;

use std::ops::Range;
use std::time::Duration;

use clap::Parser;
use common::draft::{self, Draft};
use common::subject::Subject;
use rows::rows;
use wgcnn::gpu::{Context, Stopwatch};
use wgcnn::ops::registry::{Build, Entry, REGISTRY};
use wgcnn::schedule::{DeviceParameters, Execution};

/// Times every operator by itself.
#[derive(Parser)]
struct Options {
    /// Only the operators whose name contains this.
    name: Option<String>,
    /// The adapter, by a part of its name.
    #[arg(long)]
    adapter: Option<String>,
    /// Runs the variants without subgroup operations, to compare.
    #[arg(long)]
    no_subgroups: bool,
    /// How many times each pass is timed.
    #[arg(long, default_value_t = 7)]
    samples: usize,
    /// What `cargo bench` passes to every harness.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), String> {
    env_logger::init();
    let options = Options::parse();
    let builder = Context::builder().subgroups(!options.no_subgroups);
    let context = match &options.adapter {
        Some(name) => builder.adapter_name(name).build(),
        None => builder.build(),
    };
    let context = context.map_err(|e| e.to_string())?;
    println!("{}", context.description());
    println!(
        "{:20} {:8} {:>10} {:>10} {:>9} {:>7}  shapes and attributes",
        "operator", "pass", "median us", "min us", "GFLOP/s", "GB/s"
    );
    let named = |entry: &&Entry| options.name.as_deref().is_none_or(|name| entry.name.contains(name));
    for entry in REGISTRY.iter().filter(named) {
        for row in rows(entry.name) {
            time_row(&context, entry, &row, options.samples.max(1))
                .map_err(|message| format!("{}: {message}", entry.name))?;
        }
    }
    Ok(())
}

/// Times both passes of a row and prints them.
fn time_row(context: &Context, entry: &Entry, row: &Draft, samples: usize) -> Result<(), String> {
    let case = row.case(entry)?;
    let subject = Subject::of(&case, entry)?;
    let plan = subject.plan(context.capabilities(), false)?;
    let passes = subject.passes(&plan, context.capabilities())?;
    let text = |error: wgcnn::Error| error.to_string();
    let parameters = DeviceParameters::upload(context, &subject.network).map_err(text)?;
    let execution = Execution::new(context, plan, &parameters, None).map_err(text)?;
    let stopwatch = Stopwatch::new(context).map_err(text)?;
    // What an optimizer is timed on comes from elsewhere, and targets are all zero.
    let inputs = subject.network.inputs().len() * usize::from(!matches!(entry.build, Build::Optimizer(_)));
    for (i, input) in case.inputs.iter().enumerate().take(inputs) {
        execution.write_input(i, input.data()).map_err(text)?;
    }
    if let Some(grad_output) = &case.grad_output {
        execution.write_grad_output(grad_output.data()).map_err(text)?;
    }
    execution.write_step(case.pass().step).map_err(text)?;
    // So that what a backward pass reads has been written.
    execution.run().map_err(text)?;
    let first = if matches!(entry.build, Build::Optimizer(_)) { "update" } else { "forward" };
    for (name, dispatches) in [(first, &passes.forward), ("backward", &passes.backward)] {
        if let (Some(first), Some(last)) = (dispatches.first(), dispatches.last()) {
            let times = time(&stopwatch, &execution, *first..last + 1, samples).map_err(text)?;
            print_row(entry.name, name, row, &execution, *first..last + 1, &times);
        }
    }
    Ok(())
}

/// For how long dispatches are repeated, so that what a submission takes is little beside it.
const LONG_ENOUGH: Duration = Duration::from_millis(20);

/// How long the dispatches take once: several measurements in order.
fn time(
    stopwatch: &Stopwatch,
    execution: &Execution,
    dispatches: Range<usize>,
    samples: usize,
) -> wgcnn::Result<Vec<Duration>> {
    let run = |times: usize| execution.time(stopwatch, dispatches.clone(), times);
    run(1)?;
    let once = run(1)?.max(Duration::from_micros(1));
    let times = (LONG_ENOUGH.as_secs_f64() / once.as_secs_f64()).ceil().clamp(1.0, 1e4) as usize;
    let mut measured: Vec<Duration> =
        (0..samples).map(|_| Ok(run(times)? / times as u32)).collect::<wgcnn::Result<_>>()?;
    measured.sort();
    Ok(measured)
}

fn print_row(
    operator: &str,
    pass: &str,
    row: &Draft,
    execution: &Execution,
    range: Range<usize>,
    times: &[Duration],
) {
    let program = execution.plan().program();
    let dispatches = &program.dispatches[range];
    let flops: u64 = dispatches.iter().map(|dispatch| dispatch.flops).sum();
    let bindings = dispatches.iter().flat_map(|dispatch| &dispatch.bindings);
    let bytes: u64 = bindings.map(|binding| program.tensors[binding.tensor.0].bytes).sum();
    let median = times[times.len() / 2].as_secs_f64();
    println!(
        "{operator:20} {pass:8} {:>10.1} {:>10.1} {:>9.2} {:>7.2}  {row}",
        median * 1e6,
        times[0].as_secs_f64() * 1e6,
        flops as f64 / median / 1e9,
        bytes as f64 / median / 1e9,
    );
}
