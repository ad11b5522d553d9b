//! A run of the benchmark: what it runs on, and what it found so far.

use wgcnn::gpu::{Context, Stopwatch};
use wgcnn::schedule::Execution;

use super::Result;
use super::options::Options;
use super::report::table;
use super::row::Row;
use super::sampling::Pace;
use super::statistics::Samples;

/// A run of the benchmark.
pub struct Bench<'a> {
    pub context: Context,
    pub stopwatch: Stopwatch,
    pub options: &'a Options,
    pub pace: Pace,
    adapter: String,
    /// What was found so far.
    pub rows: Vec<Row>,
}

impl<'a> Bench<'a> {
    /// Opens the adapter that is asked for.
    ///
    /// # Errors
    /// Where there is none.
    pub fn new(options: &'a Options) -> Result<Self> {
        let context = context(options)?;
        let stopwatch = Stopwatch::new(&context)?;
        let pace = if options.quick { Pace::QUICK } else { Pace::THOROUGH };
        let adapter = context.adapter_description();
        Ok(Self { context, stopwatch, options, pace, adapter, rows: vec![] })
    }

    /// The adapter with its driver.
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// Prints a row and keeps it.
    pub fn report(&mut self, row: Row) {
        table::print(&row);
        self.rows.push(row);
    }

    /// How long some of the dispatches of an execution take.
    ///
    /// # Errors
    /// [`Error::DeviceLost`](wgcnn::Error::DeviceLost) and what else the device reports.
    pub fn time(&self, execution: &Execution, dispatches: &[usize]) -> wgcnn::Result<Samples> {
        self.pace.repeated(|times| execution.time(&self.stopwatch, dispatches, times))
    }
}

/// The adapter that is asked for.
///
/// # Errors
/// Where there is none.
pub fn context(options: &Options) -> wgcnn::Result<Context> {
    let builder = Context::builder().subgroups(!options.no_subgroups);
    match &options.adapter {
        Some(name) => builder.adapter_name(name).build(),
        None => builder.build(),
    }
}
