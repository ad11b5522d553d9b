//! The network as pure data: nodes in their order, values with shapes, parameters with names.

use std::sync::Arc;

use crate::ops::{Operator, ParameterSpec};
use crate::shape::Shape;
use crate::{Error, Result, Tensor};

use super::assemble::{assemble, refused, wrong_shape};
use super::layer::Layer;

/// Something that flows between nodes: an input of the network or the output of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub usize);

/// A parameter of a network, an index into [`Network::parameters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId(pub usize);

/// A layer: an operator with a name, joined to its inputs.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name, that of no other node.
    pub name: String,
    /// What it computes.
    pub operator: Arc<dyn Operator>,
    /// What it reads, in the operator's order. Each is a network input or the output of an earlier node.
    pub inputs: Vec<ValueId>,
    /// What it writes.
    pub output: ValueId,
    /// The tensors it keeps, in the order of [`Operator::parameters`].
    pub parameters: Vec<ParameterId>,
}

/// A tensor that a network keeps: learned, or a buffer such as the running statistics of batch normalisation.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The layer's name and its own: `conv1.weight`.
    pub name: String,
    /// Its shape, layout and initialisation.
    pub spec: ParameterSpec,
    /// What it holds; its shape is that of `spec`.
    pub value: Tensor,
    /// Whether an optimizer changes it: see [`Network::freeze`]. A buffer is never trainable.
    pub trainable: bool,
}

/// A graph of layers with named parameters. Made by [`Network::builder`], or by
/// [`Network::from_layers`] where the layers come as data.
///
/// Shapes are those of one sample; the batch is chosen by who runs the network. Values
/// `0..inputs().len()` are the network's inputs; every node adds one.
#[derive(Debug, Clone)]
pub struct Network {
    pub(super) nodes: Vec<Node>,
    pub(super) shapes: Vec<Shape>,
    pub(super) inputs: Vec<ValueId>,
    pub(super) output: ValueId,
    pub(super) parameters: Vec<Parameter>,
}

impl Network {
    /// A network of one layer that has the operator's name. Its parameters are drawn with seed 0.
    ///
    /// # Errors
    /// [`Error::Layer`] where the operator refuses the shapes, as [`NetworkBuilder::build`](super::NetworkBuilder::build).
    pub fn from_operator(operator: impl Into<Arc<dyn Operator>>, inputs: &[Shape]) -> Result<Self> {
        let operator = operator.into();
        let name = operator.name();
        let layer = Layer::shared(operator, (0..inputs.len()).map(ValueId)).named(name);
        Self::from_layers(inputs, vec![layer], 0)
    }

    /// A network of any shape without cycles: the layers in an order in which each comes after those it
    /// reads. Value `i` is input `i`; after the inputs, every layer adds one value. The last layer's output is
    /// the network's. Initial values that the layers do not bring are drawn from `seed`, as
    /// [`NetworkBuilder::seed`](super::NetworkBuilder::seed) says.
    ///
    /// ```
    /// # use wgcnn::network::{Layer, Network, ValueId};
    /// # use wgcnn::ops::{Add, Conv2d, Relu};
    /// let [image, mask] = [ValueId(0), ValueId(1)];
    /// let layers = vec![
    ///     Layer::new(Conv2d::new(8, 3).same(), [image]).named("stem"),  // value 2
    ///     Layer::new(Add, [ValueId(2), mask]),                          // value 3
    ///     Layer::new(Relu, [ValueId(3)]),                               // value 4
    /// ];
    /// let network = Network::from_layers(&[[3, 16, 16].into(), [8, 16, 16].into()], layers, 0)?;
    /// assert_eq!(network.output(), ValueId(4));
    /// # Ok::<(), wgcnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// What [`NetworkBuilder::build`](super::NetworkBuilder::build) refuses; [`Error::Network`] where a layer
    /// reads what no earlier one computes; [`Error::Parameter`] where a layer brings a value that is none of
    /// its parameters or has another shape.
    pub fn from_layers(inputs: &[Shape], layers: Vec<Layer>, seed: u64) -> Result<Self> {
        assemble(inputs, layers, seed)
    }

    /// The layers; each comes after those whose output it reads.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The shape of one sample of every value, indexed by [`ValueId`].
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The shape of one sample of a value of this network.
    pub fn shape(&self, value: ValueId) -> Shape {
        self.shapes[value.0]
    }

    /// The shapes that a node reads.
    pub fn input_shapes(&self, node: &Node) -> Vec<Shape> {
        node.inputs.iter().map(|input| self.shape(*input)).collect()
    }

    /// The values that whoever runs the network provides.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// The value that the network computes.
    pub fn output(&self) -> ValueId {
        self.output
    }

    /// The shape of one sample of the (first) input.
    pub fn input_shape(&self) -> Shape {
        self.shape(self.inputs[0])
    }

    /// The shape of one sample of the output.
    pub fn output_shape(&self) -> Shape {
        self.shape(self.output)
    }

    /// All learned tensors and buffers, in the order of the layers.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The parameter called `name`: `conv1.weight`.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is none; it lists the names that come nearest.
    pub fn parameter(&self, name: &str) -> Result<&Parameter> {
        self.position(name).map(|at| &self.parameters[at])
    }

    /// Gives the parameter called `name` another value.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is none of that name or `value` has another shape.
    pub fn set_parameter(&mut self, name: &str, value: Tensor) -> Result<()> {
        let at = self.position(name)?;
        let parameter = &mut self.parameters[at];
        if value.shape() != parameter.spec.shape {
            let message = wrong_shape(&parameter.spec.shape, value.shape());
            return Err(Error::Parameter { name: name.into(), message });
        }
        parameter.value = value;
        Ok(())
    }

    /// Makes training leave the parameters under `prefix` as they are.
    ///
    /// A prefix is a whole name or what stands before one of its dots: `conv1` is `conv1.weight` and
    /// `conv1.bias` but not `conv10.weight`; `stem` is all of `stem.conv1` and `stem.conv2`. The empty
    /// prefix is every parameter. Buffers are not touched: the running statistics of a frozen layer follow the
    /// images of a training step like those of any other, as in PyTorch.
    ///
    /// # Errors
    /// [`Error::Parameter`] where no parameter has the prefix.
    pub fn freeze(&mut self, prefix: &str) -> Result<()> {
        self.set_trainable(prefix, false)
    }

    /// Makes training change the parameters under `prefix` again, the reverse of [`freeze`](Self::freeze).
    ///
    /// # Errors
    /// [`Error::Parameter`] where no parameter has the prefix.
    pub fn unfreeze(&mut self, prefix: &str) -> Result<()> {
        self.set_trainable(prefix, true)
    }

    fn set_trainable(&mut self, prefix: &str, trainable: bool) -> Result<()> {
        let mut found = false;
        for parameter in self.parameters.iter_mut().filter(|p| is_under(&p.name, prefix)) {
            parameter.trainable = trainable && !parameter.spec.buffer;
            found = true;
        }
        if found { Ok(()) } else { Err(self.unknown_parameter(prefix)) }
    }

    /// Checks that a training step can have so few samples: statistics over a batch need two values.
    ///
    /// # Errors
    /// [`Error::Layer`] names the first layer that cannot be trained so, and says what would do.
    pub fn check_training(&self, samples: usize) -> Result<()> {
        for node in &self.nodes {
            let shapes = self.input_shapes(node);
            let checked = node.operator.check_training(&shapes, samples);
            checked.map_err(|message| refused(&node.name, &*node.operator, message, &shapes))?;
        }
        Ok(())
    }

    fn position(&self, name: &str) -> Result<usize> {
        self.parameters.iter().position(|p| p.name == name).ok_or_else(|| self.unknown_parameter(name))
    }

    fn unknown_parameter(&self, name: &str) -> Error {
        Error::Parameter { name: name.into(), message: self.not_one_of(name) }
    }

    /// What to say of a name that no parameter has: the names that share the longest beginning.
    pub(super) fn not_one_of(&self, name: &str) -> String {
        let common = |other: &str| name.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        let mut names: Vec<&str> = self.parameters.iter().map(|p| p.name.as_str()).collect();
        if names.is_empty() {
            return "the network has no parameters".into();
        }
        names.sort_by_key(|other| std::cmp::Reverse(common(other)));
        let more = if names.len() > NAMES_SHOWN { ", ..." } else { "" };
        names.truncate(NAMES_SHOWN);
        format!("the network has none of that name; it has {}{more}", names.join(", "))
    }
}

/// How many names an error lists before it stops.
const NAMES_SHOWN: usize = 12;

/// Whether `name` is `prefix` or continues it after a dot.
fn is_under(name: &str, prefix: &str) -> bool {
    match name.strip_prefix(prefix) {
        Some(rest) => prefix.is_empty() || rest.is_empty() || rest.starts_with('.'),
        None => false,
    }
}
