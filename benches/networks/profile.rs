//! Where the time of a network's pass goes: each of its kernels by itself.

use std::collections::BTreeMap;

use wgcnn::network::Network;
use wgcnn::ops::{Optimizer, StepState};
use wgcnn::prelude::*;
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};

use super::super::Result;
use super::super::bench::Bench;
use super::super::ceilings::Ceilings;
use super::super::cost;
use super::super::row::Row;
use super::{images, optimizer};

/// A training step that was run once, as a trainer has it.
///
/// # Errors
/// What the device reports.
pub fn step(bench: &Bench<'_>, network: &Network, batch: usize) -> wgcnn::Result<Execution> {
    let (loss, optimizer, Batch { images, targets }) =
        (CrossEntropy::mean(), optimizer(), images(network, batch));
    let options = PlanOptions::training(batch, &loss, &optimizer);
    let plan = Plan::new(network, &options, bench.context.capabilities())?;
    let parameters = DeviceParameters::upload(&bench.context, network)?;
    let execution = Execution::new(&bench.context, plan, &parameters, None)?;
    execution.write_input(0, images.data())?;
    execution.write_target(targets.as_target())?;
    execution.write_step(StepState::new(0, 0, batch, optimizer.learning_rate()))?;
    execution.run()?;
    Ok(execution)
}

/// Times all dispatches of each kernel, one kernel after another: `step/lenet/N64/conv2d/forward_subgroup + relu`. What
/// takes longest comes first; what runs only when the parameters have changed is left out.
///
/// # Errors
/// What the device reports.
pub fn measure(bench: &mut Bench<'_>, ceilings: &Ceilings, case: &str, execution: &Execution) -> Result<()> {
    let program = execution.plan().program();
    let mut kernels: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, dispatch) in program.dispatches.iter().enumerate().skip(execution.plan().prologue()) {
        kernels.entry(dispatch.description()).or_default().push(at);
    }
    let mut rows = vec![];
    for (kernel, dispatches) in kernels {
        let samples = bench.time(execution, &dispatches)?;
        let works: Vec<_> = dispatches.iter().map(|at| cost::work(program, &[*at])).collect();
        let variant = cost::variant(program, &dispatches);
        let row = Row::new(&format!("{case}/{kernel}"), bench.adapter(), variant, &samples);
        rows.push(row.against(ceilings, &works).bytes(cost::bound_bytes(program, &dispatches)));
    }
    rows.sort_by(|a, b| b.median_ms.total_cmp(&a.median_ms));
    rows.into_iter().for_each(|row| bench.report(row));
    Ok(())
}
