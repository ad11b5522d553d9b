//! Times whole training steps: `cargo bench --bench steps [-- --steps N --adapter NAME --no-subgroups --plan]`.
//!
//! A step is forward, loss, backward and update, with the loss read back every step. The first step, in which
//! the driver compiles, is reported apart. Times on a shared machine vary: compare medians of one run.

mod networks;

use std::time::{Duration, Instant};

use clap::Parser;
use networks::{MODELS, Model};
use wgcnn::prelude::*;

/// Times whole training steps.
#[derive(Parser)]
struct Options {
    /// Steps to time, after as many again for warming up.
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// The adapter, by a part of its name.
    #[arg(long)]
    adapter: Option<String>,
    /// Runs the variants without subgroup operations, to compare.
    #[arg(long)]
    no_subgroups: bool,
    /// Prints the plan of each step: its dispatches and its memory.
    #[arg(long)]
    plan: bool,
    /// What `cargo bench` passes to every harness.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> wgcnn::Result<()> {
    env_logger::init();
    let options = Options::parse();
    let builder = Context::builder().subgroups(!options.no_subgroups);
    let context = match &options.adapter {
        Some(name) => builder.adapter_name(name).build()?,
        None => builder.build()?,
    };
    println!("{}", context.description());
    println!(
        "{:10} {:>5} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "step", "batch", "first ms", "min ms", "median ms", "max ms", "GFLOP/s", "peak MiB"
    );
    for model in MODELS {
        row(&context, &model, &options)?;
    }
    Ok(())
}

/// Times the steps of one network and prints their row.
fn row(context: &Context, model: &Model, options: &Options) -> wgcnn::Result<()> {
    let (name, network, size) = (model.name, model.network()?, model.batch);
    let shape = network.input_shape().nchw(size);
    let classes = network.output_shape().channels;
    let started = Instant::now();
    let mut trainer =
        Trainer::new(context, network, CrossEntropy::mean(), Sgd::new(0.01).momentum(0.9), size)?;
    if options.plan {
        println!("{}", trainer.plan());
    }
    let steps = options.steps.max(1);
    let images = Tensor::from_fn(shape, |i| ((i * 7919) % 1021) as f32 / 1021.0 - 0.5);
    let labels: Vec<i32> = (0..size).map(|i| (i % classes) as i32).collect();
    let batch = Batch::new(images, labels);
    trainer.step(&batch)?.wait()?;
    let first = started.elapsed();
    for _ in 1..steps {
        trainer.step(&batch)?.wait()?;
    }
    let mut times = vec![];
    for _ in 0..steps {
        let started = Instant::now();
        trainer.step(&batch)?.wait()?;
        times.push(started.elapsed());
    }
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let median = times[times.len() / 2];
    println!(
        "{name:10} {size:>5} {:>9.1} {:>9.2} {:>9.2} {:>9.2} {:>9.1} {:>9.1}",
        ms(first),
        ms(times[0]),
        ms(median),
        ms(times[times.len() - 1]),
        trainer.plan().flops() as f64 / median.as_secs_f64() / 1e9,
        trainer.plan().peak_bytes() as f64 / f64::from(1 << 20),
    );
    Ok(())
}
