//! Optimizers that a model holds as nodes: each is one update of some tensors.

use crate::ops::registry::{self, Attributes, Build};
use crate::ops::{Optimizer, Refusal};

use super::constant::Constant;
use super::node::Node;

/// The set of operators that holds the optimizers.
pub(super) const DOMAIN: &str = "ai.onnx.preview.training";

/// The inputs that are settings: the learning rate, and the number of updates before.
pub(super) const SETTINGS: [usize; 2] = [0, 1];

/// An optimizer of a model: one update.
///
/// ONNX's Adam corrects its estimates otherwise than this crate's, by the number of updates before. Learning rate and
/// `eps` are such that this one update comes out the same.
#[derive(Debug)]
pub struct ImportedOptimizer {
    /// The optimizer. Its learning rate is that of the update.
    pub optimizer: Box<dyn Optimizer>,
    /// The [step](crate::ops::StepState::step) that the update is.
    pub step: u32,
    /// What it updates.
    pub updates: Vec<ImportedUpdate>,
}

/// What an optimizer does to a tensor, by the names of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedUpdate {
    /// The tensor.
    pub parameter: String,
    /// Its gradient.
    pub gradient: String,
    /// What the optimizer remembers of it, in the order of the optimizer's state.
    pub state: Vec<String>,
    /// The output that is the tensor after the update.
    pub new_parameter: String,
    /// The outputs that are the state after it.
    pub new_state: Vec<String>,
}

/// Whether a node of this operator is an optimizer.
pub(super) fn is_optimizer(operator: &str) -> bool {
    matches!(operator, "Adam" | "Momentum")
}

/// The optimizer of a node with this learning rate, after so many updates.
pub(super) fn convert(
    node: &Node<'_>,
    rate: Option<Constant>,
    count: Option<Constant>,
) -> Result<ImportedOptimizer, Refusal> {
    let rate = match rate {
        Some(Constant::Floats(rate)) if rate.len() == 1 && rate.data()[0].is_finite() => {
            f64::from(rate.data()[0])
        }
        _ => return Err("input 0, the learning rate, must be a constant of one FLOAT that is finite".into()),
    };
    let count = match count.as_ref() {
        Some(Constant::Integers(count)) => u32::try_from(count.data().first().copied().unwrap_or(-1)).ok(),
        _ => None,
    };
    let count = count.ok_or("input 1, the number of updates before, must be a constant from 0 to 2³² − 1")?;
    let weight_decay = node.float("norm_coefficient", 0.0)?;
    let (name, states, attributes, step) = match node.operator() {
        "Adam" => {
            let after = node.float("norm_coefficient_post", 0.0)?;
            if after != 0.0 {
                return Err(format!("attribute norm_coefficient_post is {after}; it must be 0"));
            }
            let (attributes, step) = adam(node, rate, count)?;
            ("adam", 2, attributes, step)
        }
        _ => ("sgd", 1, momentum(node, rate, count)?, count.max(1)),
    };
    let optimizer = match registry::find(name).map(|entry| entry.build) {
        Some(Build::Optimizer(build)) => build(&attributes.with("weight_decay", weight_decay))?,
        _ => return Err(format!("it needs the optimizer {name}, which this crate does not have")),
    };
    optimizer.check().map_err(|error| error.to_string())?;
    node.refuse_unknown_attributes()?;
    Ok(ImportedOptimizer { optimizer, step, updates: updates(node, states)? })
}

/// After n updates, n > 0, ONNX has `rate · √(1 − β₂ⁿ) / (1 − β₁ⁿ) · m / (√v + ε)`, and before the first
/// `rate · m / (√v + ε)`; this crate's n-th has `rate / (1 − β₁ⁿ) · m / (√(v / (1 − β₂ⁿ)) + ε)`.
fn adam(node: &Node<'_>, rate: f64, count: u32) -> Result<(Attributes, u32), Refusal> {
    let (alpha, beta) = (node.float("alpha", 0.9)?, node.float("beta", 0.999)?);
    let epsilon = f64::from(node.float("epsilon", 1e-6)?);
    let [first, second] = [alpha, beta].map(|beta| 1.0 - f64::from(beta).powf(f64::from(count.max(1))));
    let rate = if count == 0 { rate * first / second.sqrt() } else { rate };
    let attributes = Attributes::default()
        .with("lr", rate)
        .with("betas", vec![alpha, beta])
        .with("eps", epsilon / second.sqrt());
    Ok((attributes, count.max(1) - 1))
}

/// ONNX has `velocity ← alpha · velocity + beta · gradient`, with a beta of 1 before the first update.
fn momentum(node: &Node<'_>, rate: f64, count: u32) -> Result<Attributes, Refusal> {
    let nesterov = match node.string("mode", "standard")? {
        "standard" => false,
        "nesterov" => true,
        other => return Err(format!("attribute mode is {other:?}; it must be \"standard\" or \"nesterov\"")),
    };
    let beta = node.float("beta", 1.0)?;
    let dampening = if count == 0 { 0.0 } else { 1.0 - beta };
    Ok(Attributes::default()
        .with("lr", rate)
        .with("momentum", node.float("alpha", 0.9)?)
        .with("dampening", dampening)
        .with("nesterov", nesterov))
}

/// The tensors of a node: after the settings all parameters, all gradients, and each kind of state; the outputs are all
/// new parameters, and each kind of state.
fn updates(node: &Node<'_>, states: usize) -> Result<Vec<ImportedUpdate>, Refusal> {
    let tensors = node.inputs().saturating_sub(SETTINGS.len());
    let count = tensors / (2 + states);
    if count == 0 || tensors != count * (2 + states) || node.outputs().len() != count * (1 + states) {
        return Err(format!(
            "it has {} inputs and {} outputs; there must be {} inputs for each tensor after the first two, and {} \
             outputs",
            node.inputs(),
            node.outputs().len(),
            2 + states,
            1 + states
        ));
    }
    let input =
        |kind: usize, at: usize| node.input(SETTINGS.len() + kind * count + at).unwrap_or_default().into();
    let output = |kind: usize, at: usize| node.outputs()[kind * count + at].clone();
    let update = |at: usize| ImportedUpdate {
        parameter: input(0, at),
        gradient: input(1, at),
        state: (0..states).map(|state| input(2 + state, at)).collect(),
        new_parameter: output(0, at),
        new_state: (0..states).map(|state| output(1 + state, at)).collect(),
    };
    Ok((0..count).map(update).collect())
}
