//! The tests of ONNX's backends: a folder with `model.onnx`, and `test_data_set_*` with what goes into the model and
//! must come out, `input_0.pb`, `output_0.pb` and so on.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use wgcnn::import::onnx::{Constant, Import, Model, Port};
use wgcnn::network::Network;
use wgcnn::{Error, Tensor};

use super::evaluate::Head;

/// Computes the output of a network, or a loss of it, for inputs in NCHW.
pub type Execute<'a> = dyn Fn(&Network, &[Tensor], Option<Head<'_>>) -> Result<Vec<f64>, Error> + 'a;

/// The operators whose tests count.
const OPERATORS: &[&str] = &[
    "Adam",
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "ConvTranspose",
    "Dropout",
    "Elu",
    "Flatten",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LRN",
    "LeakyRelu",
    "LogSoftmax",
    "LpPool",
    "MatMul",
    "MaxPool",
    "Momentum",
    "Mul",
    "NegativeLogLikelihoodLoss",
    "PRelu",
    "Pad",
    "Relu",
    "Reshape",
    "Resize",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropyLoss",
    "Softplus",
    "Split",
    "Tanh",
    "Upsample",
];

/// How far an element may be off: as ONNX's own runner has it.
const RELATIVE: f64 = 1e-3;
const ABSOLUTE: f64 = 1e-7;

/// How a test ended.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Passed,
    /// The model was imported, and something came out wrong or not at all.
    Failed(String),
    /// The importer refused the model.
    Unsupported(String),
    /// It is none of those that count: other operators, or other elements than float32.
    Foreign,
}

/// How many tests ended how.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub unsupported: usize,
    pub foreign: usize,
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed(_) => &mut self.failed,
            Outcome::Unsupported(_) => &mut self.unsupported,
            Outcome::Foreign => &mut self.foreign,
        } += 1;
    }

    /// The tests that count.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.unsupported
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = 100.0 * self.passed as f64 / self.total().max(1) as f64;
        let Self { passed, failed, unsupported, .. } = self;
        write!(f, "{passed} passed ({share:.1} %), {failed} failed, {unsupported} unsupported")
    }
}

/// The tally of all tests, and of those of each operator.
#[derive(Debug, Default)]
pub struct Summary {
    pub all: Tally,
    /// A model of several operators counts for each.
    pub operators: BTreeMap<String, Tally>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:28} passed  failed  unsupported", "operator")?;
        for (operator, tally) in &self.operators {
            writeln!(f, "{operator:28} {:6}  {:6}  {:11}", tally.passed, tally.failed, tally.unsupported)?;
        }
        let foreign = self.all.foreign;
        write!(f, "\n{}; {foreign} are of other operators or not of float32", self.all)
    }
}

/// The folders of tests under `folder`, itself included, in order of their names.
pub fn folders(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if folder.join("model.onnx").is_file() {
        return Ok(vec![folder.into()]);
    }
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            found.extend(folders(&path)?);
        }
    }
    Ok(found)
}

/// Runs the tests in these folders through `execute`, and tells `report` of each that counts and does not pass. With
/// a `filter` only those count that have an operator of this name or a folder's name that contains it.
pub fn run(
    folders: &[PathBuf],
    filter: Option<&str>,
    execute: &Execute<'_>,
    mut report: impl FnMut(&str),
) -> Summary {
    let mut summary = Summary::default();
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let model = Model::load(folder.join("model.onnx"));
        let mut operators: Vec<&str> = model.iter().flat_map(Model::operators).collect();
        operators.sort_unstable();
        operators.dedup();
        if filter.is_some_and(|filter| !name.contains(filter) && !operators.contains(&filter)) {
            continue;
        }
        let outcome = match &model {
            Ok(model) if !counts(model, &operators) => Outcome::Foreign,
            Ok(model) => run_test(model, folder, execute),
            Err(error) => Outcome::Unsupported(error.to_string()),
        };
        match &outcome {
            Outcome::Failed(why) => report(&format!("FAILED {name}: {why}")),
            Outcome::Unsupported(why) => report(&format!("unsupported {name}: {why}")),
            Outcome::Passed | Outcome::Foreign => {}
        }
        summary.all.count(&outcome);
        if outcome != Outcome::Foreign {
            for operator in operators {
                summary.operators.entry(operator.into()).or_default().count(&outcome);
            }
        }
    }
    summary
}

/// Whether a model is all of operators that count, and computes float32 of float32.
fn counts(model: &Model, operators: &[&str]) -> bool {
    let is_float = |port: Option<&Port>| port.is_some_and(|port| port.elements.as_deref() == Some("FLOAT"));
    operators.iter().all(|operator| OPERATORS.contains(operator))
        && is_float(model.inputs().first())
        && is_float(model.outputs().first())
}

fn run_test(model: &Model, folder: &Path, execute: &Execute<'_>) -> Outcome {
    let sets = entries(folder).map(|entries| entries.into_iter().filter(|path| path.is_dir()).collect());
    let sets: Vec<PathBuf> = match sets {
        Ok(sets) => sets,
        Err(message) => return Outcome::Failed(message),
    };
    if sets.is_empty() {
        return Outcome::Failed("there is no test_data_set".into());
    }
    sets.iter()
        .map(|set| run_set(model, set, execute))
        .find(|outcome| *outcome != Outcome::Passed)
        .unwrap_or(Outcome::Passed)
}

fn run_set(model: &Model, set: &Path, execute: &Execute<'_>) -> Outcome {
    match check_set(model, set, execute) {
        Ok(None) => Outcome::Passed,
        Ok(Some(wrong)) => Outcome::Failed(wrong),
        Err(Error::Data { message, path }) if path.ends_with("model.onnx") => Outcome::Unsupported(message),
        Err(error) => Outcome::Unsupported(error.to_string()),
    }
}

/// What is wrong with the outputs for one set of inputs; an error where the importer refuses the model.
fn check_set(model: &Model, set: &Path, execute: &Execute<'_>) -> Result<Option<String>, Error> {
    let mut values = HashMap::new();
    for (index, port) in model.inputs().into_iter().enumerate() {
        let file = set.join(format!("input_{index}.pb"));
        // An optional input may have no file.
        if file.is_file() {
            values.insert(port.name, Constant::load(file)?);
        }
    }
    let mut model = model.clone();
    let constants: Vec<String> = model.constant_inputs().into_iter().map(String::from).collect();
    for name in constants {
        if let Some(value) = values.get(&name) {
            model = model.with_constant(&name, value.clone())?;
        }
    }
    for (index, port) in model.outputs().iter().enumerate() {
        let import = model.import(&port.name)?;
        let want = Constant::load(set.join(format!("output_{index}.pb")))?;
        let Constant::Floats(want) = want else {
            return Ok(Some(format!("output {:?} is not of float32", port.name)));
        };
        let wrong = match compute(&import, &values, execute) {
            Ok(got) => mismatch(&got, want.data()),
            Err(message) => Some(format!("did not run: {message}")),
        };
        if let Some(wrong) = wrong {
            return Ok(Some(format!("output {:?}: {wrong}", port.name)));
        }
    }
    Ok(None)
}

/// What comes out of an imported model for these inputs.
fn compute(
    import: &Import,
    values: &HashMap<String, Constant>,
    execute: &Execute<'_>,
) -> Result<Vec<f64>, String> {
    let run = |inputs: &[Tensor], head: Option<Head<'_>>| {
        execute(&import.network, inputs, head).map_err(|e| e.to_string())
    };
    let Import { network, inputs, batch, loss, .. } = import;
    let mut tensors = Vec::new();
    for (value, input) in network.inputs().iter().zip(inputs) {
        let Some(Constant::Floats(tensor)) = values.get(&input.name) else {
            return Err(format!("there are no floats for input {:?}", input.name));
        };
        let batch = batch.or(tensor.shape().first().copied()).unwrap_or(1);
        let shape = network.shape(*value).nchw(batch);
        tensors.push(tensor.clone().reshape(shape).map_err(|e| e.to_string())?);
    }
    let Some(loss) = loss else { return run(&tensors, None) };
    let Some(Constant::Integers(labels)) = values.get(&loss.target) else {
        return Err(format!("there are no labels for input {:?}", loss.target));
    };
    let labels: Vec<i32> = labels.data().iter().map(|label| *label as i32).collect();
    run(&tensors, Some((&*loss.loss, &labels)))
}

/// What is wrong with the elements that were computed.
fn mismatch(got: &[f64], want: &[f32]) -> Option<String> {
    if got.len() != want.len() {
        return Some(format!("{} elements were computed, {} are wanted", got.len(), want.len()));
    }
    let is_wrong = |(got, want): &(&f64, &f32)| {
        let want = f64::from(**want);
        let is_close = (**got - want).abs() <= ABSOLUTE + RELATIVE * want.abs();
        // Infinities equal themselves only, and ONNX's runner takes NaN for NaN.
        !(is_close || **got == want || got.is_nan() && want.is_nan())
    };
    let wrong: Vec<usize> =
        got.iter().zip(want).enumerate().filter(|(_, pair)| is_wrong(pair)).map(|(i, _)| i).collect();
    let first = *wrong.first()?;
    Some(format!(
        "{} of {} elements are wrong, the first at {first}: got {}, want {}",
        wrong.len(),
        want.len(),
        got[first],
        want[first]
    ))
}

/// What is in a folder, in order of the names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let message = |e: std::io::Error| format!("{}: {e}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(message)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(message)?;
    paths.sort();
    Ok(paths)
}
