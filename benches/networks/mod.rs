//! Whole networks: training steps, inference from the host and back, and what they take of memory.

mod check;
mod models;
mod profile;

pub use models::{MODELS, Model};

use wgcnn::network::Network;
use wgcnn::prelude::*;
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};

use super::Result;
use super::bench::Bench;
use super::ceilings::Ceilings;
use super::cost;
use super::row::{Memory, Row};
use super::statistics::Samples;

/// Times the networks that are asked for.
///
/// # Errors
/// Where a network computes something wrong, and what the device reports.
pub fn measure(bench: &mut Bench<'_>, ceilings: &Ceilings) -> Result<()> {
    chain(bench, ceilings)?;
    for model in MODELS {
        let wanted = |bench: &Bench<'_>, pass: &str, batches: &[usize]| -> Vec<usize> {
            let wants = |batch: &&usize| bench.options.wants(&format!("{pass}/{}/N{batch}", model.name));
            batches.iter().filter(wants).copied().collect()
        };
        let steps = wanted(bench, "step", model.steps);
        let inferences = wanted(bench, "inference", model.inferences);
        if steps.is_empty() && inferences.is_empty() {
            continue;
        }
        check::check(&bench.context, &model).map_err(|error| format!("{}: {error}", model.name))?;
        for batch in steps {
            step(bench, ceilings, &model, batch)?;
        }
        for batch in inferences {
            inference(bench, ceilings, &model, batch)?;
        }
    }
    Ok(())
}

/// A trainer as all steps are measured with.
///
/// # Errors
/// What the device reports.
pub fn trainer(context: &Context, network: Network, batch: usize) -> wgcnn::Result<Trainer> {
    Trainer::new(context, network, CrossEntropy::mean(), optimizer(), batch)
}

fn optimizer() -> Sgd {
    Sgd::new(0.01).momentum(0.9)
}

/// Images and labels without meaning.
pub fn images(network: &Network, size: usize) -> Batch {
    let classes = network.output_shape().channels;
    let images =
        Tensor::from_fn(network.input_shape().nchw(size), |i| ((i * 7919) % 1021) as f32 / 1021.0 - 0.5);
    Batch::new(images, (0..size).map(|i| (i % classes) as i32).collect::<Vec<_>>())
}

/// Times a training step, whose loss comes back every time.
fn step(bench: &mut Bench<'_>, ceilings: &Ceilings, model: &Model, batch: usize) -> Result<()> {
    let network = model.network()?;
    let images = images(&network, batch);
    let before = bench.context.allocated_bytes();
    let mut trainer = trainer(&bench.context, network.clone(), batch)?;
    let samples = bench.pace.calls(|| trainer.step(&images)?.wait().map(|_| ()))?;
    let allocated = bench.context.allocated_bytes() - before;
    let case = format!("step/{}/N{batch}", model.name);
    report(bench, ceilings, &case, &samples, trainer.plan(), allocated);
    if bench.options.profile {
        drop(trainer);
        let execution = profile::step(bench, &network, batch)?;
        profile::measure(bench, ceilings, &case, &execution)?;
    }
    Ok(())
}

/// Times inference, from images on the host to predictions on the host.
fn inference(bench: &mut Bench<'_>, ceilings: &Ceilings, model: &Model, batch: usize) -> Result<()> {
    let network = model.network()?;
    let images = images(&network, batch).images;
    let before = bench.context.allocated_bytes();
    let execution = inferring(bench, &network, batch)?;
    let samples = bench.pace.calls(|| {
        execution.write_input(0, images.data())?;
        execution.run()?;
        execution.read_output()?.wait().map(|_| ())
    })?;
    let allocated = bench.context.allocated_bytes() - before;
    let case = format!("inference/{}/N{batch}", model.name);
    report(bench, ceilings, &case, &samples, execution.plan(), allocated);
    if bench.options.profile {
        profile::measure(bench, ceilings, &case, &execution)?;
    }
    Ok(())
}

fn inferring(bench: &Bench<'_>, network: &Network, batch: usize) -> wgcnn::Result<Execution> {
    let plan = Plan::new(network, &PlanOptions::inference(batch), bench.context.capabilities())?;
    let parameters = DeviceParameters::upload(&bench.context, network)?;
    Execution::new(&bench.context, plan, &parameters, None)
}

/// Reports a whole plan.
fn report(
    bench: &mut Bench<'_>,
    ceilings: &Ceilings,
    case: &str,
    samples: &Samples,
    plan: &Plan,
    allocated: u64,
) {
    if bench.options.plan {
        println!("{plan}");
    }
    let program = plan.program();
    let all: Vec<usize> = (0..program.dispatches.len()).collect();
    let row = Row::new(case, bench.adapter(), cost::variant(program, &all), samples);
    let row = row.against(ceilings, &cost::parts(program, &all)).bytes(cost::bound_bytes(program, &all));
    bench.report(Row {
        memory: Some(Memory { peak: plan.peak_bytes(), tensors: plan.unshared_bytes(), allocated }),
        ..row
    });
}

/// Times functions of one variable and a sum that follow upon each other. What they must read and write is the input
/// and the output alone.
fn chain(bench: &mut Bench<'_>, ceilings: &Ceilings) -> Result<()> {
    let case = "chain/forward";
    if !bench.options.wants(case) {
        return Ok(());
    }
    let batch = 8;
    let network = Network::builder([64, 56, 56]).residual(|branch| branch.sigmoid()).relu().build()?;
    let execution = inferring(bench, &network, batch)?;
    let images = images(&network, batch).images;
    execution.write_input(0, images.data())?;
    execution.run()?;
    let output = execution.read_output()?.wait()?;
    for (x, got) in images.data().iter().zip(output) {
        let x = f64::from(*x);
        let wanted = (x + 1.0 / (1.0 + (-x).exp())).max(0.0);
        if (f64::from(got) - wanted).abs() > 1e-5 {
            return Err(format!("{case}: {got} for {x}, not {wanted}").into());
        }
    }
    let program = execution.plan().program();
    let brings = |layer: &str| layer == "input" || layer == "output";
    let own: Vec<usize> =
        (0..program.dispatches.len()).filter(|at| !brings(&program.dispatches[*at].layer)).collect();
    let samples = bench.time(&execution, &own)?;
    let row = Row::new(case, bench.adapter(), cost::variant(program, &own), &samples);
    let row = row.against(ceilings, &[cost::work(program, &own)]).bytes(cost::bound_bytes(program, &own));
    bench.report(row);
    Ok(())
}
