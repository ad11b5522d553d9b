//! A model: what the file holds, what the caller adds, and the way to a network.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;

use crate::network::Network;
use crate::ops::{Loss, Refusal};
use crate::{Error, Result};

use super::constant::{Constant, FLOAT, type_name};
use super::convert::{self, Role};
use super::dims::{Batch, canonical, product};
use super::importer::{Importer, Op, Value};
use super::node::Node;
use super::optimizer::{self, ImportedOptimizer, is_optimizer};
use super::proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

/// What errors call a model that comes from memory.
const IN_MEMORY: &str = "ONNX model in memory";

/// The newest version of the operators whose definitions were read when this was written.
const NEWEST_OPSET: i64 = 24;

/// An ONNX model. See the [module's documentation](super).
#[derive(Debug, Clone)]
pub struct Model {
    path: PathBuf,
    graph: GraphProto,
    /// The version of each set of operators, by its domain.
    opsets: BTreeMap<String, i64>,
    /// Where each initializer is in the graph, by its name.
    initializers: HashMap<String, usize>,
    given: HashMap<String, Constant>,
    shapes: HashMap<String, Vec<usize>>,
}

/// An input or an output of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The type of its elements in ONNX's words, `FLOAT` or `INT64` for instance; `None` for what is no tensor.
    pub elements: Option<String>,
    /// The sizes of its axes, `None` for those that the model leaves open; `None` altogether where it does not
    /// even say how many there are.
    pub shape: Option<Vec<Option<usize>>>,
}

/// A model, or the part of it that one output depends on, as a network.
#[derive(Debug)]
pub struct Import {
    /// The network.
    pub network: Network,
    /// The model's inputs that are the network's, in the network's order.
    pub inputs: Vec<Port>,
    /// The output. Where it is a loss, what the loss is computed of.
    pub output: Port,
    /// The batch that the model is written for: `None` where it may be any, `Some(1)` where a whole tensor is one
    /// sample.
    pub batch: Option<usize>,
    /// The loss at the end of the model, where the output is one.
    pub loss: Option<ImportedLoss>,
}

/// A loss at the end of a model.
#[derive(Debug)]
pub struct ImportedLoss {
    /// The loss.
    pub loss: Box<dyn Loss>,
    /// The model's input that holds the labels.
    pub target: String,
    /// Whether the model's output is the loss. Where it is not, the output is the loss of each prediction by itself
    /// (ONNX's reduction `none`), of which `loss` is the sum.
    pub is_reduced: bool,
}

impl Model {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read, [`Error::Data`] where it is no ONNX model, or one of a newer
    /// version than this crate knows.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| Error::io(path, source))?;
        Self::decode(&bytes, path)
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    /// [`Error::Data`] where it is no ONNX model, or one of a newer version than this crate knows.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::decode(bytes, Path::new(IN_MEMORY))
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Self> {
        let refuse = |message: String| Error::data(path, message);
        let model = ModelProto::decode(bytes).map_err(|e| refuse(format!("not an ONNX model: {e}")))?;
        let graph = model.graph.ok_or_else(|| refuse("not an ONNX model: it has no graph".into()))?;
        let sets = model.opset_import.iter().map(|set| (domain(set.domain()).to_owned(), set.version()));
        let mut opsets: BTreeMap<String, i64> = sets.collect();
        if opsets.is_empty() {
            // Files older than the sets of operators are written in the first.
            opsets.insert(domain("").into(), 1);
        }
        if let Some(version) = opsets.get("").filter(|version| !(1..=NEWEST_OPSET).contains(*version)) {
            let known = format!("versions 1 to {NEWEST_OPSET} can be read");
            return Err(refuse(format!("it is written in version {version} of ONNX's operators; {known}")));
        }
        let names = graph.initializer.iter().enumerate().map(|(at, tensor)| (tensor.name().to_owned(), at));
        let initializers = names.collect();
        let (given, shapes) = (HashMap::new(), HashMap::new());
        Ok(Self { path: path.into(), graph, opsets, initializers, given, shapes })
    }

    /// Says what an input holds: it then is no input of the network, but a parameter or a setting of a layer.
    ///
    /// # Errors
    /// [`Error::Data`] where the model has no such input.
    pub fn with_constant(mut self, input: &str, value: impl Into<Constant>) -> Result<Self> {
        self.check_input(input)?;
        self.given.insert(input.into(), value.into());
        Ok(self)
    }

    /// Says what sizes an input has, where the model leaves some open.
    ///
    /// # Errors
    /// [`Error::Data`] where the model has no such input.
    pub fn with_input_shape(mut self, input: &str, shape: &[usize]) -> Result<Self> {
        self.check_input(input)?;
        self.shapes.insert(input.into(), shape.into());
        Ok(self)
    }

    fn check_input(&self, name: &str) -> Result<()> {
        if self.is_input(name) {
            return Ok(());
        }
        let names: Vec<&str> = self.graph.input.iter().map(ValueInfoProto::name).collect();
        Err(self.refusal(format!("it has no input {name:?}; its inputs are {names:?}")))
    }

    /// The inputs that have no value yet.
    pub fn inputs(&self) -> Vec<Port> {
        self.graph.input.iter().filter(|input| !self.is_known(input.name())).map(port).collect()
    }

    /// The outputs.
    pub fn outputs(&self) -> Vec<Port> {
        self.graph.output.iter().map(port).collect()
    }

    /// The operators of the nodes, in their order, each as often as it is there.
    pub fn operators(&self) -> impl Iterator<Item = &str> {
        self.graph.node.iter().map(NodeProto::op_type)
    }

    /// The inputs without a value that a node reads as a parameter or as a setting: what they hold must be said
    /// by [`with_constant`](Self::with_constant) before the model can be imported.
    pub fn constant_inputs(&self) -> Vec<&str> {
        let read_as_constant = |name: &str| {
            self.graph.node.iter().any(|node| {
                let mut inputs = node.input.iter().enumerate();
                inputs.any(|(at, input)| input == name && convert::role(node, at) == Role::Constant)
            })
        };
        let names = self.graph.input.iter().map(ValueInfoProto::name);
        names.filter(|name| !self.is_known(name) && read_as_constant(name)).collect()
    }

    /// The network of a model with one output. Where that is a loss, the network up to the loss.
    ///
    /// # Errors
    /// [`Error::Data`] where the model does not have exactly one output, and those of [`import`](Self::import).
    pub fn network(&self) -> Result<Network> {
        match &*self.graph.output {
            [output] => Ok(self.import(output.name())?.network),
            outputs => {
                let names: Vec<&str> = outputs.iter().map(ValueInfoProto::name).collect();
                Err(self.refusal(format!("it has {} outputs, {names:?}; name one to import()", names.len())))
            }
        }
    }

    /// What output `output` depends on, as a network.
    ///
    /// # Errors
    /// [`Error::Data`] where there is no such output, where a shape is not known or no network can have it;
    /// [`Error::Node`] where a node cannot be computed.
    pub fn import(&self, output: &str) -> Result<Import> {
        if !self.graph.output.iter().any(|info| info.name() == output) {
            let names: Vec<&str> = self.graph.output.iter().map(ValueInfoProto::name).collect();
            return Err(self.refusal(format!("it has no output {output:?}; its outputs are {names:?}")));
        }
        let needed = self.needed(output);
        let inputs = self.network_inputs(&needed)?;
        match common_batch(&inputs) {
            Some(batch) => self.import_as(output, &needed, &inputs, Batch::Axis(batch)).or_else(|error| {
                // What does not depend on the batch is refused again; the message of the usual reading counts.
                self.import_as(output, &needed, &inputs, Batch::One).map_err(|_| error)
            }),
            None => self.import_as(output, &needed, &inputs, Batch::One),
        }
    }

    /// The optimizer of a model that holds one as a node, Adam or Momentum. Its learning rate and the number of updates
    /// before, inputs of the node, must be constants.
    ///
    /// # Errors
    /// [`Error::Data`] where there is none, [`Error::Node`] where it is none of this crate's.
    pub fn optimizer(&self) -> Result<ImportedOptimizer> {
        let mut nodes = self.graph.node.iter();
        let proto = nodes.find(|node| node.domain() == optimizer::DOMAIN && is_optimizer(node.op_type()));
        let proto = proto.ok_or_else(|| self.refusal("it has no node Adam or Momentum"))?;
        let refusal = |message: String| node_error(proto, message);
        let node = self.node(proto).map_err(refusal)?;
        let [rate, count] =
            optimizer::SETTINGS.map(|index| node.input(index).and_then(|name| self.constant(name)));
        let (rate, count) = (rate.transpose().map_err(refusal)?, count.transpose().map_err(refusal)?);
        optimizer::convert(&node, rate, count).map_err(refusal)
    }

    fn import_as(
        &self,
        output: &str,
        needed: &HashSet<&str>,
        inputs: &[Input<'_>],
        batch: Batch,
    ) -> Result<Import> {
        let samples = inputs.iter().map(|input| Ok((input.info.name(), self.sample(input, batch)?)));
        let samples = samples.collect::<Result<Vec<_>>>()?;
        let mut importer = Importer::new(self, batch, &samples, needed.clone());
        for proto in self.graph.node.iter().filter(|node| is_needed(node, needed)) {
            self.convert(proto, &mut importer).map_err(|message| node_error(proto, message))?;
        }

        let value = match importer.lookup(output) {
            Some(Ok(Value::Activation(value))) => value,
            Some(Ok(Value::Loss(value))) => value,
            Some(Ok(Value::Constant(_))) => {
                return Err(self.refusal(format!("output {output:?} depends on no input")));
            }
            Some(Err(message)) => return Err(self.refusal(message)),
            None => return Err(self.unavailable(output)),
        };
        let is_loss = importer.loss.is_some();
        let sizes = match batch {
            Batch::One => vec![],
            Batch::Axis(size) => vec![size],
        };
        let shape: Vec<Option<usize>> =
            sizes.into_iter().chain(value.sample.iter().map(|size| Some(*size))).collect();
        if !is_loss {
            self.check_output(output, &shape)?;
        }

        let failed = |message: String| self.refusal(format!("output {output:?}: {message}"));
        let last = importer.seen(&value, canonical(&value.sample)).map_err(failed)?;
        if !importer.is_last_layer(last) {
            // The last layer's output is the network's, and there must be one: this does nothing.
            importer.apply(Op::new("dropout").with("p", 0.0), &[last]).map_err(failed)?;
        }
        let loss = importer.loss.take();
        let (shapes, layers) = importer.into_layers(inputs.len());
        let batch = match batch {
            Batch::One => Some(1),
            Batch::Axis(size) => size,
        };
        Ok(Import {
            network: Network::from_layers(&shapes, layers, 0)?,
            inputs: inputs.iter().map(|input| port(input.info)).collect(),
            output: Port { name: output.into(), elements: Some(type_name(FLOAT)), shape: Some(shape) },
            batch,
            loss,
        })
    }

    fn convert<'a>(&'a self, proto: &'a NodeProto, importer: &mut Importer<'a>) -> Result<(), Refusal> {
        let node = self.node(proto)?;
        let values = convert::convert(&node, domain(proto.domain()), importer)?;
        node.refuse_unknown_attributes()?;
        for (name, value) in proto.output.iter().zip(values) {
            if let Some(value) = value {
                importer.define(name, value);
            }
        }
        Ok(())
    }

    fn node<'a>(&self, proto: &'a NodeProto) -> Result<Node<'a>, Refusal> {
        let domain = domain(proto.domain());
        let opset = self.opsets.get(domain).ok_or_else(|| {
            format!("the model does not say which version of the operators of {domain:?} it uses")
        })?;
        Ok(Node::new(proto, *opset))
    }

    /// The names that an output depends on, its own included.
    fn needed<'a>(&'a self, output: &'a str) -> HashSet<&'a str> {
        let mut needed = HashSet::from([output]);
        // Nodes come after those they read, so that one pass from the end meets all that is needed.
        for node in self.graph.node.iter().rev() {
            if is_needed(node, &needed) {
                let inputs = node.input.iter().enumerate();
                let read =
                    inputs.filter(|(at, name)| !name.is_empty() && convert::role(node, *at) != Role::Target);
                needed.extend(read.map(|(_, name)| name.as_str()));
            }
        }
        needed
    }

    /// The inputs of the graph that the network has, those that nodes compute with, with their shapes.
    fn network_inputs(&self, needed: &HashSet<&str>) -> Result<Vec<Input<'_>>> {
        let computed_with = |name: &str| {
            self.graph.node.iter().filter(|node| is_needed(node, needed)).any(|node| {
                let mut inputs = node.input.iter().enumerate();
                inputs.any(|(at, input)| input == name && convert::role(node, at) == Role::Data)
            })
        };
        let is_output = |name: &str| self.graph.output.iter().any(|output| output.name() == name);
        let inputs = self.graph.input.iter().filter(|input| {
            let name = input.name();
            needed.contains(name) && !self.is_known(name) && (computed_with(name) || is_output(name))
        });
        inputs.map(|info| Ok(Input { info, shape: self.input_shape(info)? })).collect()
    }

    fn input_shape(&self, input: &ValueInfoProto) -> Result<Vec<Option<usize>>> {
        let Port { name, elements, shape } = port(input);
        if elements.as_deref() != Some("FLOAT") {
            let elements = elements.unwrap_or_else(|| "no tensor".into());
            return Err(self.refusal(format!("input {name:?} is {elements}; it must be FLOAT")));
        }
        if let Some(given) = self.shapes.get(&name) {
            let fits = |shape: &Vec<Option<usize>>| {
                let same = |(size, given): (&Option<usize>, &usize)| size.is_none_or(|size| size == *given);
                shape.len() == given.len() && shape.iter().zip(given).all(same)
            };
            if shape.as_ref().is_some_and(|shape| !fits(shape)) {
                let shape = show(&shape.unwrap_or_default());
                return Err(
                    self.refusal(format!("input {name:?} is of shape {shape}, which cannot be {given:?}"))
                );
            }
            return Ok(given.iter().copied().map(Some).collect());
        }
        shape.ok_or_else(|| {
            self.refusal(format!("input {name:?} has no shape; with_input_shape() can give it one"))
        })
    }

    /// The axes of an input that belong to a sample.
    fn sample(&self, input: &Input<'_>, batch: Batch) -> Result<Vec<usize>> {
        let shape = &*input.shape;
        let axes = match batch {
            Batch::One => shape,
            Batch::Axis(_) => shape.get(1..).unwrap_or_default(),
        };
        let refusal = |message: &str| {
            self.refusal(format!("input {:?} is of shape {}: {message}", input.info.name(), show(shape)))
        };
        let sample = axes.iter().copied().collect::<Option<Vec<usize>>>();
        let sample = sample.ok_or_else(|| {
            refusal("the sizes past the batch must be known; with_input_shape() can give them")
        })?;
        match product(&sample) {
            0 => Err(refusal("it has no elements")),
            len if len > u32::MAX as usize => Err(refusal("a tensor has at most 2³² − 1 elements")),
            _ => Ok(sample),
        }
    }

    /// Refuses an output whose shape is not the one that the model says: something was understood differently.
    fn check_output(&self, name: &str, shape: &[Option<usize>]) -> Result<()> {
        let declared =
            self.graph.output.iter().find(|info| info.name() == name).and_then(|info| port(info).shape);
        let Some(declared) = declared else { return Ok(()) };
        let same = |(a, b): (&Option<usize>, &Option<usize>)| a.is_none() || b.is_none() || a == b;
        if declared.len() == shape.len() && declared.iter().zip(shape).all(same) {
            return Ok(());
        }
        let (declared, shape) = (show(&declared), show(shape));
        Err(self.refusal(format!("output {name:?} should be of shape {declared}, but comes out as {shape}")))
    }

    fn unavailable(&self, output: &str) -> Error {
        let node = self.graph.node.iter().find(|node| node.output.iter().any(|name| name == output));
        match node {
            Some(node) => node_error(node, format!("its output {output:?} cannot be computed here")),
            None => self.refusal(format!("nothing computes output {output:?}")),
        }
    }

    /// Whether the graph has an input of this name, with a value or not.
    pub(super) fn is_input(&self, name: &str) -> bool {
        self.graph.input.iter().any(|input| input.name() == name)
    }

    fn is_known(&self, name: &str) -> bool {
        self.given.contains_key(name) || self.initializers.contains_key(name)
    }

    /// The constant of this name, if there is one.
    pub(super) fn constant(&self, name: &str) -> Option<Result<Constant, Refusal>> {
        let given = self.given.get(name).map(|constant| Ok(constant.clone()));
        given.or_else(|| {
            let initializer: &TensorProto = &self.graph.initializer[*self.initializers.get(name)?];
            Some(Constant::decode(initializer))
        })
    }

    fn refusal(&self, message: impl Into<String>) -> Error {
        Error::data(&self.path, message)
    }
}

/// An input of the graph that the network has.
struct Input<'a> {
    info: &'a ValueInfoProto,
    /// The sizes of its axes, `None` for those that are not known.
    shape: Vec<Option<usize>>,
}

/// A set of operators by one name: ONNX's own has two.
fn domain(name: &str) -> &str {
    if name == "ai.onnx" { "" } else { name }
}

/// Whether one of the node's outputs is needed.
fn is_needed(node: &NodeProto, needed: &HashSet<&str>) -> bool {
    node.output.iter().any(|output| needed.contains(output.as_str()))
}

/// The batch of inputs that all have one: the size of their axis 0, unknown where it is nowhere known.
fn common_batch(inputs: &[Input<'_>]) -> Option<Option<usize>> {
    let mut batches = inputs.iter().map(|input| input.shape.first().copied());
    let first = batches.next()??;
    batches.all(|batch| batch == Some(first)).then_some(first)
}

fn node_error(node: &NodeProto, message: String) -> Error {
    let first_output = node.output.first().map(String::as_str).unwrap_or_default();
    let name = Some(node.name()).filter(|name| !name.is_empty()).unwrap_or(first_output);
    Error::Node { node: name.into(), operator: node.op_type().into(), message }
}

fn port(info: &ValueInfoProto) -> Port {
    let tensor = info.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
    let size = |value: Option<i64>| value.and_then(|value| usize::try_from(value).ok());
    Port {
        name: info.name().into(),
        elements: tensor.map(|tensor| type_name(tensor.elem_type())),
        shape: shape.map(|shape| shape.dim.iter().map(|dim| size(dim.dim_value)).collect()),
    }
}

/// A shape with question marks for what is not known.
fn show(shape: &[Option<usize>]) -> String {
    let sizes = shape.iter().map(|size| size.map_or("?".into(), |size| size.to_string()));
    format!("[{}]", sizes.collect::<Vec<_>>().join(", "))
}
