//! What has been imported so far: the layers, and what the names of the graph stand for.

use std::collections::{HashMap, HashSet};

use crate::Tensor;
use crate::network::{Layer, ValueId, check_sizes};
use crate::ops::registry::{self, Attributes, Build};
use crate::ops::{ParameterSpec, Refusal};
use crate::shape::Shape;

use super::constant::Constant;
use super::dims::{self, Activation, Batch, canonical};
use super::model::{ImportedLoss, Model};
use super::node::Node;

/// What a name of the graph stands for.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// The network computes it.
    Activation(Activation),
    /// It is known.
    Constant(Constant),
    /// A loss of this: a number, and nothing that a layer could read.
    Loss(Activation),
}

impl From<Activation> for Value {
    fn from(activation: Activation) -> Self {
        Self::Activation(activation)
    }
}

/// The most elements that a constant is repeated to, 256 MiB.
const MOST_REPEATED: usize = 1 << 26;

/// An operator of this crate as data.
pub(super) struct Op {
    operator: &'static str,
    layer: Option<String>,
    attributes: Attributes,
    parameters: Vec<(&'static str, Tensor)>,
    /// An attribute that is infinite or not a number.
    not_finite: Option<&'static str>,
}

impl Op {
    /// The operator of this name in the registry.
    pub fn new(operator: &'static str) -> Self {
        let attributes = Attributes::default();
        Self { operator, layer: None, attributes, parameters: vec![], not_finite: None }
    }

    /// Sets an attribute.
    pub fn with(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        let value = value.into();
        // What is no finite number would count as absent.
        if value.is_null() {
            self.not_finite = Some(name);
        }
        self.attributes = self.attributes.with(name, value);
        self
    }

    /// Sets a parameter.
    pub fn parameter(mut self, name: &'static str, value: Tensor) -> Self {
        self.attributes = self.attributes.with_parameter(name, value.shape());
        self.parameters.push((name, value));
        self
    }

    /// Names the layer after the node, or after its weight where that is called `conv1.weight`: then the
    /// parameters have the names that they had where the model was trained.
    pub fn named(mut self, node: &Node<'_>) -> Self {
        let weight = node.input(1).filter(|_| !self.parameters.is_empty());
        let module = weight.and_then(|weight| weight.strip_suffix(".weight"));
        self.layer = module.filter(|module| !module.is_empty()).or(node.name()).map(String::from);
        self
    }
}

/// Refuses parameters of other shapes than the operator wants, and their absence: what it would draw instead is
/// not the model's.
fn check_parameters(specs: &[ParameterSpec], given: &[(&str, Tensor)]) -> Result<(), Refusal> {
    for spec in specs {
        let shape = given.iter().find(|(name, _)| *name == spec.name).map(|(_, value)| value.shape());
        if shape != Some(&spec.shape) {
            let got = shape.map_or("none".into(), |shape| format!("one of {shape:?}"));
            return Err(format!("it needs a {} of shape {:?}, got {got}", spec.name, spec.shape));
        }
    }
    Ok(())
}

/// What has been imported so far.
pub(super) struct Importer<'a> {
    model: &'a Model,
    /// What axis 0 is.
    pub batch: Batch,
    /// The loss at the end of the model.
    pub loss: Option<ImportedLoss>,
    values: HashMap<&'a str, Value>,
    /// The names that a node still to come, or the caller, reads.
    wanted: HashSet<&'a str>,
    shapes: Vec<Shape>,
    layers: Vec<Layer>,
    names: HashSet<String>,
    /// The values that were reshaped, with the shape and the result.
    reshaped: HashMap<(ValueId, Shape), ValueId>,
}

impl<'a> Importer<'a> {
    /// Starts with the inputs of the graph, in their order, as the network's.
    pub fn new(
        model: &'a Model,
        batch: Batch,
        inputs: &[(&'a str, Vec<usize>)],
        wanted: HashSet<&'a str>,
    ) -> Self {
        let activation = |(i, (name, sample)): (usize, &(&'a str, Vec<usize>))| {
            (*name, Activation { id: ValueId(i), sample: sample.clone() }.into())
        };
        Self {
            model,
            batch,
            loss: None,
            values: inputs.iter().enumerate().map(activation).collect(),
            wanted,
            shapes: inputs.iter().map(|(_, sample)| canonical(sample)).collect(),
            layers: vec![],
            names: HashSet::new(),
            reshaped: HashMap::new(),
        }
    }

    /// Remembers what a node computed.
    pub fn define(&mut self, name: &'a str, value: Value) {
        self.values.insert(name, value);
    }

    /// What a name of the graph stands for, if that is known by now.
    pub fn lookup(&self, name: &str) -> Option<Result<Value, Refusal>> {
        let computed = self.values.get(name).map(|value| Ok(value.clone()));
        computed.or_else(|| {
            let constant = self.model.constant(name)?;
            Some(constant.map(Value::Constant).map_err(|message| format!("tensor {name:?}: {message}")))
        })
    }

    /// The layers, and the shapes of the network's inputs.
    pub fn into_layers(self, inputs: usize) -> (Vec<Shape>, Vec<Layer>) {
        (self.shapes.into_iter().take(inputs).collect(), self.layers)
    }

    /// Whether a value is the output of the layer that was added last.
    pub fn is_last_layer(&self, id: ValueId) -> bool {
        !self.layers.is_empty() && id.0 + 1 == self.shapes.len()
    }

    /// Whether somebody reads output `index` of the node.
    pub fn wants(&self, node: &Node<'_>, index: usize) -> bool {
        node.outputs().get(index).is_some_and(|name| self.wanted.contains(name.as_str()))
    }

    /// The sizes of a value's axes as ONNX counts them, with a name for a batch of any size.
    pub fn describe(&self, sample: &[usize]) -> String {
        match self.batch {
            Batch::One => format!("{sample:?}"),
            Batch::Axis(batch) => {
                let batch = batch.map_or("batch".into(), |batch| batch.to_string());
                let rest: String = sample.iter().map(|size| format!(", {size}")).collect();
                format!("[{batch}{rest}]")
            }
        }
    }

    // --- what a node reads -----------------------------------------------------------------------

    /// The value at input `index`, computed or known, if it is there.
    pub fn optional(&self, node: &Node<'_>, index: usize) -> Result<Option<Value>, Refusal> {
        let Some(name) = node.input(index) else { return Ok(None) };
        match self.lookup(name) {
            Some(value) => value.map(Some),
            None if self.model.is_input(name) => Err(format!(
                "input {index} ({name:?}) must be a constant: an initializer, the output of a Constant node, or \
                 given by Model::with_constant"
            )),
            None => Err(format!("input {index} ({name:?}) is an output that cannot be computed here")),
        }
    }

    /// The value at input `index`, which the network must compute.
    pub fn activation(&self, node: &Node<'_>, index: usize) -> Result<Activation, Refusal> {
        match self.optional(node, index)? {
            Some(Value::Activation(activation)) => Ok(activation),
            Some(Value::Constant(_)) => {
                Err(format!("input {index} is a constant; it must depend on an input of the model"))
            }
            Some(Value::Loss(_)) => Err(format!("input {index} is a loss, after which nothing can follow")),
            None => Err(format!("input {index} is missing")),
        }
    }

    /// The value at input `index`: computed or known.
    pub fn operand(&self, node: &Node<'_>, index: usize) -> Result<Value, Refusal> {
        self.optional(node, index)?.ok_or_else(|| format!("input {index} is missing"))
    }

    /// The constant at input `index`, if there is one.
    pub fn constant(&self, node: &Node<'_>, index: usize) -> Result<Option<Constant>, Refusal> {
        match self.optional(node, index)? {
            None => Ok(None),
            Some(Value::Constant(constant)) => Ok(Some(constant)),
            Some(_) => Err(format!(
                "input {index} ({:?}) is computed by the model; it must be a constant",
                node.input(index).unwrap_or_default()
            )),
        }
    }

    /// The numbers at input `index`, if it is there.
    pub fn floats(&self, node: &Node<'_>, index: usize) -> Result<Option<Tensor>, Refusal> {
        match self.constant(node, index)? {
            None => Ok(None),
            Some(Constant::Floats(tensor)) => Ok(Some(tensor)),
            Some(other) => Err(format!("input {index} holds {}; it must be FLOAT", other.kind())),
        }
    }

    /// The numbers at input `index`.
    pub fn required(&self, node: &Node<'_>, index: usize) -> Result<Tensor, Refusal> {
        self.floats(node, index)?.ok_or_else(|| format!("input {index} is missing"))
    }

    /// The single number at input `index`, if it is there.
    pub fn scalar(&self, node: &Node<'_>, index: usize) -> Result<Option<f32>, Refusal> {
        match self.floats(node, index)?.as_ref().map(Tensor::data) {
            None => Ok(None),
            Some([value]) => Ok(Some(*value)),
            Some(values) => Err(format!("input {index} has {} elements; it must have one", values.len())),
        }
    }

    /// The integers at input `index`, if it is there.
    pub fn integers(&self, node: &Node<'_>, index: usize) -> Result<Option<Vec<i64>>, Refusal> {
        match self.constant(node, index)? {
            None => Ok(None),
            Some(Constant::Integers(tensor)) => Ok(Some(tensor.into_data())),
            Some(other) => Err(format!("input {index} holds {}; it must be integers", other.kind())),
        }
    }

    // --- axes ------------------------------------------------------------------------------------

    /// The number of a value's axes, the batch's included.
    pub fn rank(&self, x: &Activation) -> usize {
        x.sample.len() + usize::from(self.batch != Batch::One)
    }

    /// Whether the batch is known to be of this size.
    pub fn batch_is(&self, size: usize) -> bool {
        match self.batch {
            Batch::One => size == 1,
            Batch::Axis(batch) => batch == Some(size),
        }
    }

    /// Which axis of a sample `index` means.
    pub fn axis(&self, x: &Activation, index: i64) -> Result<usize, Refusal> {
        let axis = dims::axis(index, self.rank(x))?;
        match self.batch {
            Batch::One => Ok(axis),
            Batch::Axis(_) => axis.checked_sub(1).ok_or_else(|| {
                format!("axis {index} is the batch's, whose samples are computed apart; it must be another")
            }),
        }
    }

    /// The axes of one sample, the first of which is the channels: axis 0 must be the batch, or of size 1.
    pub fn samples(&self, x: &Activation) -> Result<Vec<usize>, Refusal> {
        match (self.batch, &*x.sample) {
            (Batch::Axis(_), sample @ [_, ..]) => Ok(sample.to_vec()),
            (Batch::One, [1, sample @ ..]) if !sample.is_empty() => Ok(sample.to_vec()),
            (Batch::One, [_, _, ..]) => Err(format!(
                "its input is of shape {:?}; axis 0 must be the batch, but the model mixes it with others",
                x.sample
            )),
            (_, sample) => Err(format!(
                "its input is of shape {}; it must have a batch and channels",
                self.describe(sample)
            )),
        }
    }

    /// What was computed for samples of these axes: a value with the axis that [`samples`](Self::samples) left out.
    pub fn batched(&self, id: ValueId, sample: Vec<usize>) -> Activation {
        let sample = match self.batch {
            Batch::Axis(_) => sample,
            Batch::One => [vec![1], sample].concat(),
        };
        Activation { id, sample }
    }

    /// The elements of a constant repeated over one sample of `x`, which they must not enlarge.
    pub fn over_sample(
        &self,
        x: &Activation,
        constant: &Tensor,
        shape: &[usize],
    ) -> Result<Vec<f32>, Refusal> {
        let refusal = |why: &str| {
            format!(
                "a constant of shape {shape:?} meets an input of shape {}: {why}",
                self.describe(&x.sample)
            )
        };
        let sizes = match self.batch {
            Batch::Axis(_) if shape.len() == self.rank(x) => match shape {
                [1, sizes @ ..] => sizes,
                _ => return Err(refusal("it must be the same for every sample, of size 1 along axis 0")),
            },
            _ => shape,
        };
        if dims::product(&x.sample) > MOST_REPEATED {
            return Err(refusal("it would be repeated over too large an input"));
        }
        match dims::broadcast(&x.sample, sizes) {
            Ok(joined) if joined == x.sample => Ok(dims::spread(constant.data(), sizes, &joined)),
            _ => Err(refusal("along each axis of the input it must be of the same size, or 1")),
        }
    }

    // --- what a node computes --------------------------------------------------------------------

    /// Adds a layer.
    pub fn apply(&mut self, op: Op, inputs: &[ValueId]) -> Result<ValueId, Refusal> {
        let Op { operator, layer, attributes, parameters, not_finite } = op;
        if let Some(name) = not_finite {
            return Err(format!("the {name} of {operator} is infinite or not a number; it must be finite"));
        }
        let built = match registry::find(operator).map(|entry| entry.build) {
            Some(Build::Operator(build)) => build(&attributes)?,
            _ => return Err(format!("it needs the operator {operator}, which this crate does not have")),
        };
        let shapes: Vec<Shape> = inputs.iter().map(|input| self.shapes[input.0]).collect();
        let shape = built.output_shape(&shapes)?;
        check_sizes(&shape.sizes()).map_err(|why| format!("its output would be {shape}: {why}"))?;
        check_parameters(&built.parameters(&shapes), &parameters)?;

        let mut added = Layer::shared(built, inputs.iter().copied());
        // Of two nodes with one name the second goes by its operator's.
        if let Some(name) = layer.filter(|name| self.names.insert(name.clone())) {
            added = added.named(name);
        }
        for (name, value) in parameters {
            added = added.with_parameter(name, value);
        }
        self.layers.push(added);
        self.shapes.push(shape);
        Ok(ValueId(self.shapes.len() - 1))
    }

    /// The shape of a value of the network.
    pub fn shape(&self, id: ValueId) -> Shape {
        self.shapes[id.0]
    }

    /// A value under another shape of as many elements.
    pub fn seen(&mut self, x: &Activation, shape: Shape) -> Result<ValueId, Refusal> {
        if self.shape(x.id) == shape {
            return Ok(x.id);
        }
        if let Some(reshaped) = self.reshaped.get(&(x.id, shape)) {
            return Ok(*reshaped);
        }
        let op = match shape {
            Shape { height: 1, width: 1, .. } => Op::new("flatten"),
            Shape { channels, height, width } => {
                Op::new("reshape").with("shape", vec![channels, height, width])
            }
        };
        let reshaped = self.apply(op, &[x.id])?;
        self.reshaped.insert((x.id, shape), reshaped);
        Ok(reshaped)
    }
}
