//! Operators, each by itself: those that networks spend their time in, at the sizes at which other frameworks are
//! measured too, and all others at one size or two.

mod check;
mod convolution;
mod layers;

use wgcnn::ops::Choices;
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
use convolution::Convolution;

/// An operator at one size.
struct Layer {
    /// The name of its cases up to the pass.
    name: String,
    entry: &'static Entry,
    draft: Draft,
}

/// What is timed of an operator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Forward,
    Update,
    Backward,
    BackwardInput,
    BackwardWeight,
    ForwardBackward,
}

impl Pass {
    fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Update => "update",
            Self::Backward => "backward",
            Self::BackwardInput => "backward_input",
            Self::BackwardWeight => "backward_weight",
            Self::ForwardBackward => "forward_backward",
        }
    }

    /// Those of an operator.
    fn of(entry: &Entry) -> &'static [Self] {
        match entry.build {
            Build::Optimizer(_) => &[Self::Update],
            _ if entry.name == "conv2d" => {
                &[Self::Forward, Self::BackwardInput, Self::BackwardWeight, Self::ForwardBackward]
            }
            _ => &[Self::Forward, Self::Backward],
        }
    }

    /// The options of a plan that computes it.
    fn options(self, all: PlanOptions<'_>) -> PlanOptions<'_> {
        match self {
            Self::BackwardInput => PlanOptions { parameter_gradients: false, ..all },
            Self::BackwardWeight => PlanOptions { input_gradients: false, ..all },
            _ => all,
        }
    }

    /// Its dispatches.
    fn dispatches(self, Passes { forward, backward }: Passes) -> Vec<usize> {
        match self {
            Self::Forward | Self::Update => forward,
            Self::Backward | Self::BackwardInput | Self::BackwardWeight => backward,
            Self::ForwardBackward => forward.into_iter().chain(backward).collect(),
        }
    }
}

/// Times the operators that are asked for.
///
/// # Errors
/// Where an operator computes something wrong, and what the device reports.
pub fn measure(bench: &mut Bench<'_>, ceilings: &Ceilings) -> Result<()> {
    let others =
        bench.options.all || bench.options.filters.iter().any(|filter| filter.starts_with("operator"));
    let registry = REGISTRY.iter().filter(|_| others).flat_map(|entry| {
        let named = move |(draft, i)| Layer { name: format!("operator/{}/{i}", entry.name), entry, draft };
        rows(entry.name).into_iter().zip(1..).map(named)
    });
    for layer in layers::layers().into_iter().chain(registry) {
        let wanted = |pass: &Pass| bench.options.wants(&format!("{}/{}", layer.name, pass.name()));
        let passes: Vec<Pass> = Pass::of(layer.entry).iter().copied().filter(wanted).collect();
        if !passes.is_empty() {
            measure_layer(bench, ceilings, &layer, &passes)
                .map_err(|error| format!("{}: {error}", layer.name))?;
        }
    }
    Ok(())
}

/// Checks a layer, and times some of its passes.
fn measure_layer(bench: &mut Bench<'_>, ceilings: &Ceilings, layer: &Layer, passes: &[Pass]) -> Result<()> {
    let case = layer.draft.case(layer.entry)?;
    let convolution = Convolution::of(&case, layer.entry);
    if convolution.is_none() {
        check::check(&bench.context, &case, layer.entry)?;
    }
    let subject = Subject::of(&case, layer.entry)?;
    let capabilities = bench.context.capabilities().clone();
    for pass in passes {
        for (suffix, choices) in variants(bench, &subject, *pass)? {
            let options = PlanOptions { choices: Some(&choices), ..pass.options(subject.options()) };
            let plan = Plan::new(&subject.network, &options, &capabilities)?;
            let dispatches = pass.dispatches(subject.passes(&plan, &capabilities)?);
            if dispatches.is_empty() {
                continue;
            }
            let execution = ready(bench, &case, layer.entry, &subject, plan)?;
            let name = format!("{}/{}{suffix}", layer.name, pass.name());
            if let Some(convolution) = &convolution {
                check::check_convolution(&execution, convolution)
                    .map_err(|error| format!("{name}: {error}"))?;
            }
            let samples = bench.time(&execution, &dispatches)?;
            let program = execution.plan().program();
            let row = Row::new(&name, bench.adapter(), cost::variant(program, &dispatches), &samples)
                .against(ceilings, &cost::parts(program, &dispatches))
                .bytes(cost::bound_bytes(program, &dispatches));
            bench.report(row);
        }
    }
    Ok(())
}

/// What the library chooses, with no suffix to the case's name; or, where every variant is asked for, the choice of each
/// that can compute the pass, with its name.
fn variants(bench: &Bench<'_>, subject: &Subject, pass: Pass) -> Result<Vec<(String, Choices)>> {
    if !bench.options.variants {
        return Ok(vec![(String::new(), Choices::default())]);
    }
    // Its parts are timed by themselves.
    if pass == Pass::ForwardBackward {
        return Ok(vec![]);
    }
    let capabilities = bench.context.capabilities();
    let problems = |options: PlanOptions<'_>| {
        Plan::new(&subject.network, &options, capabilities).map(|plan| plan.program().problems.clone())
    };
    let all = subject.options();
    let forward = PlanOptions { parameter_gradients: false, input_gradients: false, optimizer: None, ..all };
    let before = if pass == Pass::Forward { 0 } else { problems(forward)?.len() };
    let mut variants = vec![];
    for problem in
        problems(if pass == Pass::Forward { forward } else { pass.options(all) })?.iter().skip(before)
    {
        for name in problem.candidates(capabilities) {
            let mut choices = Choices::default();
            choices.set(problem.key(), name.clone());
            variants.push((format!("@{name}"), choices));
        }
    }
    Ok(variants)
}

/// An execution that has run once on the values of a case, so that what a backward pass reads has been written.
fn ready(bench: &Bench<'_>, case: &Case, entry: &Entry, subject: &Subject, plan: Plan) -> Result<Execution> {
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
