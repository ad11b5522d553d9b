//! Writing a network down, layer after layer.

use std::sync::Arc;

use crate::Result;
use crate::ops::Operator;
use crate::shape::Shape;

use super::assemble::assemble;
use super::graph::{Network, ValueId};
use super::layer::Layer;

/// Writes a network down, layer after layer; each continues from the one before.
///
/// Nothing is checked until [`build`](Self::build), which reports the first layer that does not fit.
/// Layers without a name get the operator's and a running number: `relu1`, `relu2`, `max_pool2d1`.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until build()"]
pub struct NetworkBuilder {
    input: Shape,
    layers: Vec<Layer>,
    /// What the next layer reads.
    current: ValueId,
    seed: u64,
}

impl Network {
    /// Starts a network over images of `input`: `[channels, height, width]`, or a number of features.
    pub fn builder(input: impl Into<Shape>) -> NetworkBuilder {
        NetworkBuilder { input: input.into(), layers: vec![], current: ValueId(0), seed: 0 }
    }
}

impl NetworkBuilder {
    /// Chooses the initial values of the parameters; 0 otherwise. The same seed gives the same values on
    /// every machine.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds a layer called `name`. No other layer may have that name.
    pub fn layer(self, name: impl Into<String>, operator: impl Operator + 'static) -> Self {
        let inputs = vec![self.current];
        self.push(Some(name.into()), Arc::new(operator), inputs)
    }

    /// Adds a layer that is named after its operator.
    pub fn then(self, operator: impl Operator + 'static) -> Self {
        let inputs = vec![self.current];
        self.push(None, Arc::new(operator), inputs)
    }

    /// Adds branches that all start here, and a layer that joins them: its inputs are the branches'
    /// ends, in their order.
    ///
    /// ```
    /// # use wgcnn::{network::Network, ops::Add};
    /// let network = Network::builder([3, 8, 8])
    ///     .join(Add, |branches| branches.branch(|b| b.max_pool2d(2)).branch(|b| b.avg_pool2d(2)))
    ///     .build()?;
    /// assert_eq!(network.nodes()[2].name, "add1");
    /// # Ok::<(), wgcnn::Error>(())
    /// ```
    pub fn join(
        self,
        operator: impl Operator + 'static,
        branches: impl FnOnce(Branches) -> Branches,
    ) -> Self {
        let start = self.current;
        let Branches { builder, ends, .. } = branches(Branches { builder: self, start, ends: vec![] });
        builder.push(None, Arc::new(operator), ends)
    }

    /// The network.
    ///
    /// # Errors
    /// The first of these, in the order of the layers: [`Error::Layer`](crate::Error::Layer) where an operator
    /// refuses its attributes or its input, or where a tensor would be empty or past 2³² − 1 elements;
    /// [`Error::Network`](crate::Error::Network) where a name is empty or taken, where there is no layer, and
    /// where the input's shape has a zero.
    pub fn build(self) -> Result<Network> {
        assemble(&[self.input], self.layers, self.seed)
    }

    fn push(mut self, name: Option<String>, operator: Arc<dyn Operator>, inputs: Vec<ValueId>) -> Self {
        self.layers.push(Layer { name, ..Layer::shared(operator, inputs) });
        // Value 0 is the input, so the output of the n-th layer is value n.
        self.current = ValueId(self.layers.len());
        self
    }
}

/// Collects the branches of [`NetworkBuilder::join`].
#[derive(Debug)]
#[must_use = "a branch belongs to the builder that asked for it"]
pub struct Branches {
    builder: NetworkBuilder,
    start: ValueId,
    ends: Vec<ValueId>,
}

impl Branches {
    /// Adds a branch: the layers that `layers` adds to where the branches start. A branch without a
    /// layer hands on what it got.
    pub fn branch(mut self, layers: impl FnOnce(NetworkBuilder) -> NetworkBuilder) -> Self {
        self.builder.current = self.start;
        self.builder = layers(self.builder);
        self.ends.push(self.builder.current);
        self
    }
}
