//! The time from the start of a process to its first result: once with all caches empty, and again with what that left.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::ValueEnum;
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};

use super::Result;
use super::bench::{self, Bench};
use super::networks::{MODELS, images, trainer};
use super::options::Options;
use super::row::Row;
use super::statistics::Samples;

/// What a process does that is timed from its start.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Start {
    /// A training step of CifarNet.
    Step,
    /// The inference of one image by CifarNet.
    Inference,
}

impl Start {
    fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Inference => "inference",
        }
    }
}

/// What drivers and this crate are told about where their caches lie.
const CACHES: [&str; 5] = [
    "XDG_CACHE_HOME",
    "MESA_SHADER_CACHE_DIR",
    "__GL_SHADER_DISK_CACHE_PATH",
    "AMD_SHADER_CACHE_PATH",
    "HOME",
];

/// How many processes start with warm caches.
const WARM: usize = 5;

/// Starts processes, and reports how long they took.
///
/// # Errors
/// Where a process cannot be started or fails.
pub fn measure(bench: &mut Bench<'_>) -> Result<()> {
    for start in [Start::Step, Start::Inference] {
        let case = |state: &str| format!("start/cifarnet/{}/{state}", start.name());
        if !["cold", "warm"].iter().any(|state| bench.options.wants(&case(state))) {
            continue;
        }
        let caches = std::env::temp_dir().join(format!("wgcnn-bench-{}", std::process::id()));
        std::fs::create_dir_all(&caches)?;
        let timed = || -> Result<(f64, Vec<f64>)> {
            let cold = process(bench.options, start, &caches)?;
            let warm = (0..WARM).map(|_| process(bench.options, start, &caches)).collect::<Result<_>>()?;
            Ok((cold, warm))
        };
        let timed = timed();
        // What cannot be removed now, the system removes some day.
        let _ = std::fs::remove_dir_all(&caches);
        let (cold, warm) = timed?;
        for (state, seconds) in [("cold", vec![cold]), ("warm", warm)] {
            let samples = Samples::new(seconds);
            bench.report(Row::new(&case(state), bench.adapter(), String::new(), &samples));
        }
    }
    Ok(())
}

/// Starts a process whose caches are in a folder, and returns for how long its result was waited for.
fn process(options: &Options, start: Start, caches: &Path) -> Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--start", start.name()]).stdout(Stdio::piped());
    if let Some(adapter) = &options.adapter {
        command.args(["--adapter", adapter]);
    }
    if options.no_subgroups {
        command.arg("--no-subgroups");
    }
    command.envs(CACHES.map(|variable| (variable, caches)));
    let started = Instant::now();
    let mut child = command.spawn()?;
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    if child.wait()?.success() && !line.is_empty() {
        Ok(seconds)
    } else {
        Err(format!("the process of {start:?} failed").into())
    }
}

/// What such a process does: a line when it has its result.
///
/// # Errors
/// What the device reports.
pub fn child(start: Start, options: &Options) -> Result<()> {
    let context = bench::context(options)?;
    let model = MODELS.into_iter().find(|model| model.name == "cifarnet").ok_or("there is no CifarNet")?;
    let network = model.network()?;
    match start {
        Start::Step => {
            let size = model.steps[0];
            let batch = images(&network, size);
            let metrics = trainer(&context, network, size)?.step(&batch)?.wait()?;
            println!("{metrics}");
        }
        Start::Inference => {
            let plan = Plan::new(&network, &PlanOptions::inference(1), context.capabilities())?;
            let parameters = DeviceParameters::upload(&context, &network)?;
            let execution = Execution::new(&context, plan, &parameters, None)?;
            execution.write_input(0, images(&network, 1).images.data())?;
            execution.run()?;
            println!("{:?}", execution.read_output()?.wait()?);
        }
    }
    Ok(())
}
