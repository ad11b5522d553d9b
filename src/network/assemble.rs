//! From layers as they were written down to a network: names, shapes, parameters.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use crate::ops::{Operator, ParameterSpec};
use crate::shape::Shape;
use crate::{Error, Result, Tensor};

use super::graph::{Network, Node, Parameter, ParameterId, ValueId};
use super::layer::Layer;

/// The most elements of a tensor, whose places kernels count in `u32`.
const MAX_ELEMENTS: usize = u32::MAX as usize;

/// The network of these layers; the last one's output is the network's. Initial values of parameters
/// are drawn from `seed` and their names.
///
/// # Errors
/// The first of the layers that does not fit, as [`NetworkBuilder::build`](super::NetworkBuilder::build) says.
pub(super) fn assemble(inputs: &[Shape], layers: Vec<Layer>, seed: u64) -> Result<Network> {
    if inputs.is_empty() {
        return Err(Error::Network("it has no input; give the shape of at least one".into()));
    }
    for shape in inputs {
        check_sizes(&shape.sizes()).map_err(|why| Error::Network(format!("the input is {shape}: {why}")))?;
    }
    if layers.is_empty() {
        return Err(Error::Network("it has no layers; add at least one before build()".into()));
    }
    let mut names = Names::of(&layers);
    let mut network = Network {
        nodes: Vec::with_capacity(layers.len()),
        shapes: inputs.to_vec(),
        inputs: (0..inputs.len()).map(ValueId).collect(),
        output: ValueId(inputs.len() + layers.len() - 1),
        parameters: vec![],
    };
    for layer in layers {
        let name = names.next(&layer)?;
        append(&mut network, name, layer, seed)?;
    }
    Ok(network)
}

fn append(network: &mut Network, name: String, layer: Layer, seed: u64) -> Result<()> {
    let Layer { operator, inputs, values: given, .. } = layer;
    if let Some(unknown) = inputs.iter().find(|input| input.0 >= network.shapes.len()) {
        return Err(Error::Network(format!(
            "layer {name:?} reads value {}, which no earlier layer computes; a branch must return the builder it \
             was given",
            unknown.0
        )));
    }
    let shapes: Vec<Shape> = inputs.iter().map(|input| network.shape(*input)).collect();
    let refusal = |message: String| refused(&name, &*operator, message, &shapes);
    let output = operator.output_shape(&shapes).map_err(refusal)?;
    check_sizes(&output.sizes()).map_err(|why| refusal(format!("its output would be {output}: {why}")))?;

    let specs = operator.parameters(&shapes);
    check_given(&name, &specs, &given)?;
    let mut given: HashMap<String, Tensor> = given.into_iter().collect();
    let mut parameters = vec![];
    for spec in specs {
        check_sizes(&spec.shape)
            .map_err(|why| refusal(format!("its {} would be {:?}: {why}", spec.name, spec.shape)))?;
        let trainable = !spec.buffer;
        let full_name = format!("{name}.{}", spec.name);
        let value = match given.remove(spec.name) {
            Some(value) => value,
            None => Tensor::new(spec.shape.clone(), spec.init.values(&spec.shape, seed, &full_name))?,
        };
        parameters.push(ParameterId(network.parameters.len()));
        network.parameters.push(Parameter { name: full_name, spec, value, trainable });
    }
    let id = ValueId(network.shapes.len());
    network.shapes.push(output);
    network.nodes.push(Node { name, operator, inputs, output: id, parameters });
    Ok(())
}

/// Refuses a value for what is no parameter of the layer, or of another shape than the parameter.
fn check_given(layer: &str, specs: &[ParameterSpec], given: &[(String, Tensor)]) -> Result<()> {
    for (name, value) in given {
        let refusal = |message: String| Error::Parameter { name: format!("{layer}.{name}"), message };
        match specs.iter().find(|spec| spec.name == name) {
            Some(spec) if spec.shape == value.shape() => {}
            Some(spec) => return Err(refusal(wrong_shape(&spec.shape, value.shape()))),
            None => {
                let names: Vec<&str> = specs.iter().map(|spec| spec.name).collect();
                return Err(refusal(format!("the layer has no such parameter; it has {names:?}")));
            }
        }
    }
    Ok(())
}

/// What to say of a value that does not have its parameter's shape.
pub(super) fn wrong_shape(wanted: &[usize], got: &[usize]) -> String {
    format!("its shape is {wanted:?}, got {got:?}")
}

/// Whether a tensor can have these sizes.
pub(crate) fn check_sizes(sizes: &[usize]) -> Result<(), &'static str> {
    match sizes.iter().try_fold(1, |len: usize, size| len.checked_mul(*size)) {
        Some(1..=MAX_ELEMENTS) if !sizes.is_empty() => Ok(()),
        Some(0..=MAX_ELEMENTS) => Err("every size must be at least 1"),
        _ => Err("a tensor has at most 4294967295 elements"),
    }
}

/// The error of a layer that refuses what it got.
pub(super) fn refused(layer: &str, operator: &dyn Operator, message: String, inputs: &[Shape]) -> Error {
    let message = format!("{message} ({})", describe(inputs));
    Error::Layer { layer: layer.into(), operator: operator.name(), message }
}

/// The shapes that a layer got, for an error.
fn describe(shapes: &[Shape]) -> String {
    let mut text = match shapes.len() {
        0 => return "it has no input".into(),
        1 => "input ".to_owned(),
        _ => "inputs ".to_owned(),
    };
    for (i, shape) in shapes.iter().enumerate() {
        let joint = if i == 0 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{joint}{shape}");
    }
    text
}

/// Gives every layer a name of its own.
struct Names {
    /// The names that were written down: no other layer gets one of them.
    written: HashSet<String>,
    /// The layers named so far, with their operators.
    seen: HashMap<String, (usize, &'static str)>,
    /// How many layers of an operator had no name.
    unnamed: HashMap<&'static str, usize>,
    /// The number of the current layer, from 1.
    number: usize,
}

impl Names {
    fn of(layers: &[Layer]) -> Self {
        let written = layers.iter().filter_map(|layer| layer.name.clone()).collect();
        Self { written, seen: HashMap::new(), unnamed: HashMap::new(), number: 0 }
    }

    fn next(&mut self, layer: &Layer) -> Result<String> {
        self.number += 1;
        let (number, operator) = (self.number, layer.operator.name());
        let name = match &layer.name {
            None => self.invent(operator),
            Some(name) if name.is_empty() => {
                return Err(Error::Network(format!(
                    "layer {number} ({operator}) has an empty name; every layer needs one of its own"
                )));
            }
            Some(name) => name.clone(),
        };
        if let Some((first, its)) = self.seen.insert(name.clone(), (number, operator)) {
            return Err(Error::Network(format!(
                "layers {first} ({its}) and {number} ({operator}) are both named {name:?}; every layer needs a \
                 name of its own"
            )));
        }
        Ok(name)
    }

    /// `relu1`, `relu2`, ...: the first that nobody wrote down.
    fn invent(&mut self, operator: &'static str) -> String {
        let count = self.unnamed.entry(operator).or_default();
        loop {
            *count += 1;
            let name = format!("{operator}{count}");
            if !self.written.contains(&name) {
                return name;
            }
        }
    }
}
