//! The tests of ONNX's backends: a folder with `model.onnx`, and `test_data_set_*` with what goes into the model and
//! must come out, `input_0.pb`, `output_0.pb` and so on.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use wgcnn::import::onnx::{Constant, Import, ImportedOptimizer, Model, Port};
use wgcnn::{Error, Tensor};

use super::evaluate::{Engine, Head};

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

/// Those of them that are no part of a network.
const OPTIMIZERS: &[&str] = &["Adam", "Momentum"];

/// Those of them with a window that slides along all axes past the channels: of images, not of volumes.
const WINDOWS: &[&str] = &["AveragePool", "Conv", "ConvTranspose", "LpPool", "MaxPool"];

/// Tests that contradict themselves, and how.
const CONTRADICTIONS: &[(&str, &str)] = &[(
    "test_adam_multiple",
    "its outputs were computed with an epsilon of 0.01; its model has none, which means 0.000001",
)];

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
        write!(f, "\n{}; {foreign} are of other operators, of volumes or not of float32", self.all)
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

/// Runs the tests in these folders through `engine`, and tells `report` of each that counts and does not pass. With
/// a `filter` only those count that have an operator of this name or a folder's name that contains it.
pub fn run(
    folders: &[PathBuf],
    filter: Option<&str>,
    engine: &Engine<'_>,
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
        let outcome = match (&model, contradiction(&name)) {
            (Ok(model), _) if !counts(model, &operators) => Outcome::Foreign,
            (Ok(_), Some(why)) => Outcome::Unsupported(why.into()),
            (Ok(model), None) => run_test(model, folder, engine),
            (Err(error), _) => Outcome::Unsupported(error.to_string()),
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

fn contradiction(test: &str) -> Option<&'static str> {
    CONTRADICTIONS.iter().find(|(name, _)| *name == test).map(|(_, why)| *why)
}

/// Whether a model is all of operators that count, without windows over volumes, and computes float32 of float32.
fn counts(model: &Model, operators: &[&str]) -> bool {
    let is_float = |port: Option<&Port>| port.is_some_and(|port| port.elements.as_deref() == Some("FLOAT"));
    let is_volume = |port: &Port| port.shape.as_ref().is_some_and(|shape| shape.len() > 4);
    let has_window = operators.iter().any(|operator| WINDOWS.contains(operator));
    operators.iter().all(|operator| OPERATORS.contains(operator))
        && !(has_window && model.inputs().iter().any(is_volume))
        && is_float(model.inputs().first())
        && is_float(model.outputs().first())
}

fn run_test(model: &Model, folder: &Path, engine: &Engine<'_>) -> Outcome {
    let sets = entries(folder).map(|entries| entries.into_iter().filter(|path| path.is_dir()).collect());
    let sets: Vec<PathBuf> = match sets {
        Ok(sets) => sets,
        Err(message) => return Outcome::Failed(message),
    };
    if sets.is_empty() {
        return Outcome::Failed("there is no test_data_set".into());
    }
    sets.iter()
        .map(|set| run_set(model, set, engine))
        .find(|outcome| *outcome != Outcome::Passed)
        .unwrap_or(Outcome::Passed)
}

fn run_set(model: &Model, set: &Path, engine: &Engine<'_>) -> Outcome {
    match check_set(model, set, engine) {
        Ok(None) => Outcome::Passed,
        Ok(Some(wrong)) => Outcome::Failed(wrong),
        Err(Error::Data { message, path }) if path.ends_with("model.onnx") => Outcome::Unsupported(message),
        Err(error) => Outcome::Unsupported(error.to_string()),
    }
}

/// What is wrong with the outputs for one set of inputs; an error where the importer refuses the model.
fn check_set(model: &Model, set: &Path, engine: &Engine<'_>) -> Result<Option<String>, Error> {
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
    let results = if model.operators().any(|operator| OPTIMIZERS.contains(&operator)) {
        update(&model.optimizer()?, &values, engine)
    } else {
        let names = model.outputs().into_iter().map(|port| port.name);
        let imports = names.map(|name| Ok((name.clone(), model.import(&name)?)));
        let imports = imports.collect::<Result<Vec<_>, Error>>()?;
        let results =
            imports.iter().map(|(name, import)| Ok((name.clone(), compute(import, &values, engine)?)));
        results.collect::<Result<_, String>>()
    };
    let results: HashMap<String, Vec<f64>> = match results {
        Ok(results) => results,
        Err(message) => return Ok(Some(format!("did not run: {message}"))),
    };
    for (index, port) in model.outputs().iter().enumerate() {
        let Constant::Floats(want) = Constant::load(set.join(format!("output_{index}.pb")))? else {
            return Ok(Some(format!("output {:?} is not of float32", port.name)));
        };
        let got = results.get(&port.name).map(Vec::as_slice).unwrap_or_default();
        if let Some(wrong) = mismatch(got, want.data()) {
            return Ok(Some(format!("output {:?}: {wrong}", port.name)));
        }
    }
    Ok(None)
}

/// What an optimizer's node computes, by the names of its outputs.
fn update(
    imported: &ImportedOptimizer,
    values: &HashMap<String, Constant>,
    engine: &Engine<'_>,
) -> Result<HashMap<String, Vec<f64>>, String> {
    let tensor = |name: &String| match values.get(name) {
        Some(Constant::Floats(tensor)) => Ok(tensor.clone()),
        _ => Err(format!("there are no floats for input {name:?}")),
    };
    let mut results = HashMap::new();
    for update in &imported.updates {
        let state = update.state.iter().map(tensor).collect::<Result<Vec<_>, _>>()?;
        let (parameter, gradient) = (tensor(&update.parameter)?, tensor(&update.gradient)?);
        let updated = engine.update(&*imported.optimizer, imported.step, &parameter, &gradient, &state);
        let names = std::iter::once(&update.new_parameter).chain(&update.new_state).cloned();
        results.extend(names.zip(updated.map_err(|e| e.to_string())?));
    }
    Ok(results)
}

/// What comes out of an imported model for these inputs.
fn compute(
    import: &Import,
    values: &HashMap<String, Constant>,
    engine: &Engine<'_>,
) -> Result<Vec<f64>, String> {
    let run = |inputs: &[Tensor], head: Option<Head<'_>>| {
        engine.evaluate(&import.network, inputs, head).map_err(|e| e.to_string())
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
    run(&tensors, Some(Head { loss: &*loss.loss, labels: &labels, apart: !loss.is_reduced }))
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
