//! Cases without values: an operator's attributes and shapes, which are all that most tests care for.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};
use wgcnn::Tensor;
use wgcnn::ops::TargetSpec;
use wgcnn::ops::registry::{Attributes, Build, Entry};
use wgcnn::shape::Shape;

use super::case::Case;
use super::values::spread;

/// A case before its tensors are filled.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The operator's attributes.
    pub attributes: Map<String, Value>,
    /// The shapes of the parameters that the operator is made from.
    pub parameters: BTreeMap<&'static str, Vec<usize>>,
    /// The shapes of the inputs.
    pub inputs: Vec<Vec<usize>>,
    /// Whether it is a pass of a training step.
    pub training: bool,
    /// Whether the inputs are the corners of boxes, of which the second lies to the right of and below the first.
    pub boxes: bool,
    /// How large the inputs are.
    pub scale: f32,
    /// Chooses the order of the tensors' values.
    pub salt: u64,
}

impl Draft {
    /// A draft without attributes and parameters.
    pub fn new(inputs: Vec<Vec<usize>>) -> Self {
        Self {
            attributes: Map::new(),
            parameters: BTreeMap::new(),
            inputs,
            training: true,
            boxes: false,
            scale: 1.0,
            salt: 0,
        }
    }

    /// Sets an attribute.
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Says that the operator is made from a parameter of this shape.
    pub fn parameter(mut self, name: &'static str, shape: impl Into<Vec<usize>>) -> Self {
        self.parameters.insert(name, shape.into());
        self
    }

    /// The case, with values in every tensor.
    ///
    /// # Errors
    /// What the operator refuses.
    pub fn case(&self, entry: &Entry) -> Result<Case, String> {
        let mut attributes = Attributes::from_json(&Value::Object(self.attributes.clone()).to_string())?;
        for (name, shape) in &self.parameters {
            attributes = attributes.with_parameter(name, shape);
        }
        let values = |i: u64, shape: &[usize]| spread(shape, 1_000 * self.salt + i);
        let input = |(i, shape): (u64, &Vec<usize>)| {
            let values = values(i, shape).map(|x| x * self.scale);
            if self.boxes { corners(values) } else { values }
        };
        let mut case = Case {
            name: format!("{self:?}"),
            operator: entry.name.into(),
            attributes,
            training: self.training,
            inputs: (0..).zip(&self.inputs).map(input).collect(),
            labels: None,
            parameters: BTreeMap::new(),
            grad_output: None,
            wanted: BTreeMap::new(),
        };
        match entry.build {
            Build::Operator(build) => {
                let operator = build(&case.attributes)?;
                let shapes: Vec<Shape> = case.inputs.iter().map(sample_shape).collect();
                let (output, batch) = (operator.output_shape(&shapes)?, case.inputs[0].nchw()[0]);
                if self.training {
                    operator.check_training(&shapes, batch)?;
                }
                case.grad_output = Some(values(200, &output.nchw(batch)));
                for (i, spec) in (100..).zip(operator.parameters(&shapes)) {
                    let values = values(i, &spec.shape);
                    let values = if spec.name == "running_var" { values.map(f32::abs) } else { values };
                    case.parameters.insert(spec.name.into(), values);
                }
            }
            Build::Loss(build) => {
                let (loss, prediction) = (build(&case.attributes)?, sample_shape(&case.inputs[0]));
                loss.check(prediction)?;
                match loss.target(prediction) {
                    TargetSpec::Classes { .. } => case.labels = Some(self.labels()),
                    TargetSpec::Values { range, .. } => {
                        let target = values(1, case.inputs[0].shape());
                        let target = if self.boxes { corners(target) } else { target };
                        // The values are up to 1.2 in magnitude.
                        let within = |[least, most]: [f32; 2]| {
                            target.map(|x| least + (most - least) * (x + 1.25) / 2.5)
                        };
                        case.inputs.push(range.map_or(target.clone(), within));
                    }
                }
            }
            Build::Optimizer(build) => build(&case.attributes)?.check().map_err(|e| e.to_string())?,
        }
        Ok(case)
    }

    /// A class for each pixel of the first input; the default's `ignore_index` for some.
    fn labels(&self) -> Vec<i32> {
        let [batch, classes, height, width] = self.inputs[0][..] else { return vec![] };
        let label = |i: usize| (i * 7 + self.salt as usize) % classes;
        let labels = (0..batch * height * width).map(|i| if i % 5 == 3 { -100 } else { label(i) as i32 });
        labels.collect()
    }
}

/// Boxes from any values: x1, y1, and the magnitudes of the other two as width and height.
fn corners(mut values: Tensor) -> Tensor {
    let [_, channels, height, width] = values.nchw();
    let (plane, sample) = (height * width, channels * height * width);
    let values_mut = values.data_mut();
    for i in (0..values_mut.len()).filter(|i| i % sample >= 2 * plane) {
        values_mut[i] = values_mut[i - 2 * plane] + values_mut[i].abs();
    }
    values
}

/// The shapes and the attributes.
impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs: Vec<_> = self.inputs.iter().map(|shape| format!("{shape:?}")).collect();
        write!(f, "{}", inputs.join(" "))?;
        for (name, shape) in &self.parameters {
            write!(f, " {name} {shape:?}")?;
        }
        for (name, value) in &self.attributes {
            write!(f, " {name} {value}")?;
        }
        if self.training { Ok(()) } else { write!(f, " in inference") }
    }
}

fn sample_shape(tensor: &Tensor) -> Shape {
    let [_, channels, height, width] = tensor.nchw();
    Shape::new(channels, height, width)
}
