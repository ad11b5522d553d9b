//! Operator cases: files of inputs and of what must come out. `tests/cases/README.md` describes the format.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Map, Value};
use wgcnn::Tensor;
use wgcnn::ops::registry::Attributes;
use wgcnn::ops::{StepState, Target};
use wgcnn::reference::Pass;

/// What must come out of an operator for certain inputs.
#[derive(Clone)]
pub struct Case {
    /// The file's name without its ending.
    pub name: String,
    /// The operator's name in the registry.
    pub operator: String,
    /// The operator's attributes, with the shapes of the parameters.
    pub attributes: Attributes,
    /// Whether it is a pass of a training step.
    pub training: bool,
    /// The inputs that are floats.
    pub inputs: Vec<Tensor>,
    /// The labels of a loss, which are its second input.
    pub labels: Option<Vec<i32>>,
    /// The parameters by name.
    pub parameters: BTreeMap<String, Tensor>,
    /// The gradient that arrives at the output.
    pub grad_output: Option<Tensor>,
    /// What must come out, by the tensor's name: `output`, `output.running_mean` of a buffer, `grad.input.0`,
    /// `grad.param.weight`.
    pub wanted: BTreeMap<String, Tensor>,
}

/// What an executor computed for a case, by the names of [`Case::wanted`].
pub type Results = BTreeMap<String, Vec<f64>>;

/// The case files of a folder, in order of their names.
///
/// # Errors
/// Where the folder cannot be read or holds none.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| format!("{}: {e}", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(format!("{} holds no case (a file that ends in .safetensors)", folder.display()));
    }
    files.sort();
    Ok(files)
}

impl Case {
    /// Reads a case file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Self::parse(name, &bytes).map_err(|message| format!("{}: {message}", path.display()))
    }

    fn parse(name: String, bytes: &[u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let metadata = |key: &str| {
            let value = header.metadata().as_ref().and_then(|metadata| metadata.get(key));
            value.cloned().ok_or_else(|| format!("its metadata has no {key:?}"))
        };
        let Settings { operator, training, mut attributes } =
            Settings::read(metadata("op")?, &metadata("attrs")?)?;

        let mut inputs = BTreeMap::new();
        let (mut labels, mut grad_output) = (None, None);
        let (mut parameters, mut wanted) = (BTreeMap::new(), BTreeMap::new());
        for (key, view) in tensors.iter() {
            if let Some(parameter) = key.strip_prefix("param.") {
                attributes = attributes.with_parameter(parameter, view.shape());
                parameters.insert(parameter.into(), floats(key, &view)?);
            } else if key == "input.1" && view.dtype() == Dtype::I64 {
                labels = Some(classes(&view)?);
            } else if let Some(input) = key.strip_prefix("input.") {
                let input: usize = input.parse().map_err(|_| format!("there is a tensor {key:?}"))?;
                inputs.insert(input, floats(key, &view)?);
            } else if key == "grad_output" {
                grad_output = Some(floats(key, &view)?);
            } else {
                wanted.insert(key.into(), floats(key, &view)?);
            }
        }
        let inputs: Vec<Tensor> = inputs.into_values().collect();
        if inputs.is_empty() {
            return Err("it has no tensor \"input.0\"".into());
        }
        Ok(Self { name, operator, attributes, training, inputs, labels, parameters, grad_output, wanted })
    }

    /// What a loss compares its first input with: labels, or its second input.
    ///
    /// # Errors
    /// Where there is neither.
    pub fn target(&self) -> Result<Target<'_, f32>, String> {
        match (&self.labels, &self.inputs[..]) {
            (Some(labels), _) => Ok(Target::Classes(labels)),
            (None, [_, values, ..]) => Ok(Target::Values(values.data())),
            _ => Err("it has no target, \"input.1\"".into()),
        }
    }

    /// The pass over a batch that is full.
    pub fn pass(&self) -> Pass {
        let samples = self.inputs.first().map_or(0, |input| input.nchw()[0]);
        Pass { training: self.training, stream: 0, step: StepState::new(0, 0, samples, 0.0) }
    }
}

/// What a case's metadata says.
struct Settings {
    operator: String,
    training: bool,
    attributes: Attributes,
}

impl Settings {
    /// Keeps what is no attribute of the operator's apart: the name of an optimizer, how many steps it takes (which is
    /// seen from the gradients), and whether the pass is one of training.
    fn read(operator: String, attributes: &str) -> Result<Self, String> {
        let mut values: Map<String, Value> = serde_json::from_str(attributes).map_err(|e| e.to_string())?;
        let training = values.remove("training").is_none_or(|training| training == Value::Bool(true));
        let operator = match (operator.as_str(), values.remove("name")) {
            ("optimizer", Some(Value::String(name))) => {
                values.remove("steps");
                name
            }
            ("optimizer", _) => return Err("its attributes lack the optimizer's name".into()),
            _ => operator,
        };
        Ok(Self {
            operator,
            training,
            attributes: Attributes::from_json(&Value::Object(values).to_string())?,
        })
    }
}

fn floats(key: &str, view: &TensorView<'_>) -> Result<Tensor, String> {
    if view.dtype() != Dtype::F32 {
        let or_labels = if key == "input.1" { ", or I64 for labels" } else { "" };
        return Err(format!("{key} is of type {:?}; it must be F32{or_labels}", view.dtype()));
    }
    let data = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Tensor::new(view.shape(), data).map_err(|e| e.to_string())
}

fn classes(view: &TensorView<'_>) -> Result<Vec<i32>, String> {
    let label = |b: &[u8]| {
        let label = i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
        i32::try_from(label).map_err(|_| format!("label {label} does not fit in 32 bits"))
    };
    view.data().chunks_exact(8).map(label).collect()
}
