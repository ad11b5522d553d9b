//! A layer as it is written down.

use std::sync::Arc;

use crate::Tensor;
use crate::ops::Operator;

use super::graph::ValueId;

/// A layer as it is written down for [`Network::from_layers`](super::Network::from_layers), not yet checked.
#[derive(Debug, Clone)]
pub struct Layer {
    pub(super) name: Option<String>,
    pub(super) operator: Arc<dyn Operator>,
    pub(super) inputs: Vec<ValueId>,
    pub(super) values: Vec<(String, Tensor)>,
}

impl Layer {
    /// A layer that computes `operator` of `inputs`, in the operator's order. Without a name it gets the
    /// operator's and a running number: `relu1`, `relu2`.
    pub fn new(operator: impl Operator + 'static, inputs: impl IntoIterator<Item = ValueId>) -> Self {
        Self::shared(Arc::new(operator) as Arc<dyn Operator>, inputs)
    }

    /// [`new`](Self::new) for an operator that is boxed, as the registry builds them, or shared with others.
    pub fn shared(operator: impl Into<Arc<dyn Operator>>, inputs: impl IntoIterator<Item = ValueId>) -> Self {
        Self { name: None, operator: operator.into(), inputs: inputs.into_iter().collect(), values: vec![] }
    }

    /// Gives it a name, which no other layer may have.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Says what its parameter `name` (`weight`, `bias`) holds, instead of what the operator draws.
    pub fn with_parameter(mut self, name: impl Into<String>, value: Tensor) -> Self {
        self.values.push((name.into(), value));
        self
    }
}
