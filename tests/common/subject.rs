//! What computes a case: a network, with the loss or the optimizer where that is what the case is about.

use std::sync::Arc;

use wgcnn::gpu::Capabilities;
use wgcnn::network::Network;
use wgcnn::ops::registry::{Build, Entry};
use wgcnn::ops::{Dropout, Linear, Loss, Operator, Optimizer};
use wgcnn::schedule::{Plan, PlanOptions};
use wgcnn::shape::Shape;
use wgcnn::{Error, Tensor};

use super::case::Case;

/// What computes a case.
pub struct Subject {
    pub network: Network,
    name: &'static str,
    training: bool,
    batch: usize,
    loss: Option<Box<dyn Loss>>,
    optimizer: Option<Box<dyn Optimizer>>,
}

impl Subject {
    /// An operator is the only layer of its network. A loss has a network that hands its input on; an optimizer one
    /// whose only parameter is the weight of a linear layer.
    ///
    /// # Errors
    /// What the operator or the network refuses.
    pub fn of(case: &Case, entry: &Entry) -> Result<Self, String> {
        let shapes: Vec<Shape> = case.inputs.iter().map(sample_shape).collect();
        let subject = |operator: Arc<dyn Operator>, shapes: &[Shape], batch| {
            let network = Network::from_operator(operator, shapes).map_err(text)?;
            Ok::<_, String>(Self {
                network,
                name: entry.name,
                training: case.training,
                batch,
                loss: None,
                optimizer: None,
            })
        };
        let batch = case.inputs[0].nchw()[0];
        match entry.build {
            Build::Operator(build) => {
                let operator = build(&case.attributes)?;
                let name = operator.name();
                let mut subject = subject(operator.into(), &shapes, batch)?;
                for (parameter, value) in &case.parameters {
                    let name = format!("{name}.{parameter}");
                    subject.network.set_parameter(&name, value.clone()).map_err(text)?;
                }
                if subject.network.parameters().len() != case.parameters.len() {
                    return Err("the operator has parameters that the case does not".into());
                }
                Ok(subject)
            }
            Build::Loss(build) => {
                let loss = Some(build(&case.attributes)?);
                Ok(Self { loss, ..subject(Arc::new(Dropout::new(0.0)), &shapes[..1], batch)? })
            }
            Build::Optimizer(build) => {
                let optimizer = Some(build(&case.attributes)?);
                let parameter = &case.inputs[0];
                let linear = Arc::new(Linear::new(parameter.len()).bias(false));
                let mut subject = subject(linear, &[Shape::features(1)], 1)?;
                let weight = parameter.clone().reshape([parameter.len(), 1]).map_err(text)?;
                subject.network.set_parameter("linear.weight", weight).map_err(text)?;
                Ok(Self { optimizer, ..subject })
            }
        }
    }

    /// The pass that computes all of the case's results.
    pub fn options(&self) -> PlanOptions<'_> {
        let options = match &self.loss {
            Some(loss) => {
                PlanOptions { input_gradients: true, ..PlanOptions::evaluation(self.batch, loss.as_ref()) }
            }
            None => PlanOptions::gradients(self.batch),
        };
        PlanOptions { training: self.training, optimizer: self.optimizer.as_deref(), ..options }
    }
}

/// A plan's own dispatches of an operator, a loss or an optimizer, without those that bring its tensors in and out.
pub struct Passes {
    /// Forward, or the update.
    pub forward: Vec<usize>,
    pub backward: Vec<usize>,
}

impl Subject {
    /// Plans the pass on such a device, its activations in half precision or not.
    ///
    /// # Errors
    /// What the plan refuses.
    pub fn plan(&self, capabilities: &Capabilities, half: bool) -> Result<Plan, String> {
        Plan::new(&self.network, &PlanOptions { half, ..self.options() }, capabilities).map_err(text)
    }

    /// Which of a plan's dispatches are its own.
    pub fn own(&self, plan: &Plan) -> Vec<usize> {
        layer(plan, self.name)
    }

    /// Which of the dispatches of [`plan`](Self::plan) are its own.
    ///
    /// # Errors
    /// What a plan of the forward pass alone refuses.
    pub fn passes(&self, plan: &Plan, capabilities: &Capabilities) -> Result<Passes, String> {
        let own = self.own(plan);
        let forward = if self.loss.is_some() {
            let options = PlanOptions { input_gradients: false, ..self.options() };
            self.own(&Plan::new(&self.network, &options, capabilities).map_err(text)?).len()
        } else {
            let boundary = layer(plan, "grad_output").first().copied().filter(|_| self.optimizer.is_none());
            own.iter().filter(|at| boundary.is_none_or(|boundary| **at < boundary)).count()
        };
        let (forward, backward) = own.split_at(forward);
        Ok(Passes { forward: forward.into(), backward: backward.into() })
    }
}

/// The dispatches of a layer.
fn layer(plan: &Plan, name: &str) -> Vec<usize> {
    let dispatches = plan.program().dispatches.iter().enumerate();
    dispatches.filter(|(_, dispatch)| dispatch.layer == name).map(|(at, _)| at).collect()
}

fn sample_shape(tensor: &Tensor) -> Shape {
    let [_, channels, height, width] = tensor.nchw();
    Shape::new(channels, height, width)
}

fn text(error: Error) -> String {
    error.to_string()
}
