//! Operators, each by itself: those that networks spend their time in, at the sizes at which other frameworks are
//! measured too, and all others at one size or two.

mod check;
mod layers;

use wgcnn::ops::registry::{Build, Entry, REGISTRY};
use wgcnn::schedule::{DeviceParameters, Execution, Plan, PlanOptions};

use super::Result;
use super::bench::Bench;
use super::ceilings::Ceilings;
use super::common::case::Case;
use super::common::draft::Draft;
use super::common::rows::rows;
use super::common::subject::{Passes, Subject};
use super::cost;
use super::row::Row;

/// An operator at one size.
struct Layer {
    /// The name of its cases up to the pass.
    name: String,
    entry: &'static Entry,
    draft: Draft,
    /// Whether the gradient to the input and that to the weight are also timed by themselves, and all passes together.
    apart: bool,
}

/// Times the operators that are asked for.
///
/// # Errors
/// Where an operator computes something wrong, and what the device reports.
pub fn measure(bench: &mut Bench, ceilings: &Ceilings) -> Result<()> {
    let others =
        bench.options.all || bench.options.filters.iter().any(|filter| filter.starts_with("operator"));
    let registry = REGISTRY.iter().filter(|_| others).flat_map(|entry| {
        rows(entry.name).into_iter().zip(1..).map(move |(draft, i)| {
            let name = format!("operator/{}/{i}", entry.name);
            Layer { name, entry, draft, apart: false }
        })
    });
    for layer in layers::layers().into_iter().chain(registry) {
        let passes =
            ["forward", "backward", "backward_input", "backward_weight", "forward_backward", "update"];
        if passes.iter().any(|pass| bench.options.wants(&format!("{}/{pass}", layer.name))) {
            time(bench, ceilings, &layer).map_err(|error| format!("{}: {error}", layer.name))?;
        }
    }
    Ok(())
}

/// Checks a layer, and times its passes.
fn time(bench: &mut Bench, ceilings: &Ceilings, layer: &Layer) -> Result<()> {
    let case = layer.draft.case(layer.entry)?;
    check::check(&bench.context, &case, layer.entry)?;
    let subject = Subject::of(&case, layer.entry)?;
    let capabilities = bench.context.capabilities().clone();
    let all = subject.plan(&capabilities, false)?;
    let Passes { forward, backward } = subject.passes(&all, &capabilities)?;
    let both: Vec<usize> = forward.iter().chain(&backward).copied().collect();
    let first = if matches!(layer.entry.build, Build::Optimizer(_)) { "update" } else { "forward" };
    let mut timed = vec![(all.clone(), vec![(first, forward), ("backward", backward)])];
    if layer.apart {
        timed[0].1[1] = ("forward_backward", both);
        let options = subject.options();
        for (pass, options) in [
            ("backward_input", PlanOptions { parameter_gradients: false, ..options }),
            ("backward_weight", PlanOptions { input_gradients: false, ..options }),
        ] {
            let plan = Plan::new(&subject.network, &options, &capabilities)?;
            let backward = subject.passes(&plan, &capabilities)?.backward;
            timed.push((plan, vec![(pass, backward)]));
        }
    }
    for (plan, mut passes) in timed {
        passes.retain(|(pass, dispatches)| {
            !dispatches.is_empty() && bench.options.wants(&format!("{}/{pass}", layer.name))
        });
        if passes.is_empty() {
            continue;
        }
        let execution = ready(bench, &case, layer.entry, &subject, plan)?;
        for (pass, dispatches) in passes {
            let samples = bench.time(&execution, &dispatches)?;
            let program = execution.plan().program();
            let row = Row::new(
                &format!("{}/{pass}", layer.name),
                bench.adapter(),
                cost::variant(program, &dispatches),
                &samples,
            );
            let row = row.against(ceilings, &cost::parts(program, &dispatches));
            bench.report(row.bytes(cost::bound_bytes(program, &dispatches)));
        }
    }
    Ok(())
}

/// An execution that has run once on the values of a case, so that what a backward pass reads has been written.
fn ready(bench: &Bench, case: &Case, entry: &Entry, subject: &Subject, plan: Plan) -> Result<Execution> {
    let parameters = DeviceParameters::upload(&bench.context, &subject.network)?;
    let has_grad_output = plan.io().grad_output.is_some();
    let execution = Execution::new(&bench.context, plan, &parameters, None)?;
    // What an optimizer is timed on comes from elsewhere, and targets are all zero.
    let inputs = subject.network.inputs().len() * usize::from(!matches!(entry.build, Build::Optimizer(_)));
    for (i, input) in case.inputs.iter().enumerate().take(inputs) {
        execution.write_input(i, input.data())?;
    }
    if let Some(grad_output) = case.grad_output.as_ref().filter(|_| has_grad_output) {
        execution.write_grad_output(grad_output.data())?;
    }
    execution.write_step(case.pass().step)?;
    execution.run()?;
    Ok(execution)
}
