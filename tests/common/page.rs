//! `docs/operators.md`: what there is to say of every name in the registry, found by asking it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use wgcnn::gpu::Capabilities;
use wgcnn::ops::program::{Binding, TensorId};
use wgcnn::ops::registry::{Build, Entry, REGISTRY};
use wgcnn::schedule::Plan;

use super::case::{self, Case};
use super::rows::rows;
use super::sample::sample;
use super::subject::Subject;

/// The part of the page that does not depend on an adapter.
///
/// # Errors
/// Where a case cannot be read or planned.
pub fn page() -> Result<String, String> {
    let mut page = INTRODUCTION.to_owned();
    let kinds: [(&str, fn(&Build) -> bool); 3] = [
        ("Layers", |build| matches!(build, Build::Operator(_))),
        ("Losses", |build| matches!(build, Build::Loss(_))),
        ("Optimizers", |build| matches!(build, Build::Optimizer(_))),
    ];
    let cases = cases()?;
    for (title, is_of_kind) in kinds {
        page += &format!("\n## {title}\n\n");
        page += "| name | attributes and defaults | parameters | forward | backward | variants | f16 |\n";
        page += "| --- | --- | --- | --- | --- | --- | --- |\n";
        for entry in REGISTRY.iter().filter(|entry| is_of_kind(&entry.build)) {
            let own: Vec<&Case> = cases.iter().filter(|case| case.operator == entry.name).collect();
            let facts = Facts::of(entry, &own).map_err(|error| format!("{}: {error}", entry.name))?;
            page += &facts.row(entry.name);
        }
    }
    Ok(page)
}

/// The heading of the part of the page that is measured.
pub const MEASURED: &str = "\n## The largest error seen\n";

const INTRODUCTION: &str = "\
# Operators

`./dev operators` writes this page: it asks every name of the registry for what it knows, plans the cases of
`tests/cases`, the benchmark's rows and random ones, and lists what is dispatched.

- **Attributes** are named as in the registry; a default that follows from another attribute is `…`.
- **Kernels** are files of `shaders/`, those without a folder in the operator's own.
- **Variants** say which of the kernels stand for each other: `subgroup` ones run where the device has subgroup
  operations that pay, `tiled` ones elsewhere.
- **f16**: whether it works on activations stored in half precision. Parameters, sums and losses are f32 in any case.
";

/// The cases of all operators: those of `tests/cases`, the rows of the benchmark, and some random ones.
fn cases() -> Result<Vec<Case>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<Case> =
        case::files(&folder)?.iter().map(|f| Case::read(f)).collect::<Result<_, _>>()?;
    for entry in REGISTRY {
        for row in rows(entry.name) {
            cases.push(row.case(entry)?);
        }
        // Some of the random ones are refused.
        cases.extend(sample(entry)?.iter().filter_map(|draft| draft.case(entry).ok()));
    }
    Ok(cases)
}

/// What cases show of an operator.
#[derive(Default)]
struct Facts {
    /// The attributes with their defaults.
    attributes: BTreeMap<String, BTreeSet<String>>,
    parameters: BTreeSet<String>,
    /// The kernels in the order in which they were met.
    forward: Vec<&'static str>,
    backward: Vec<&'static str>,
    /// Those that not every device runs.
    some: BTreeSet<&'static str>,
    f16: bool,
}

impl Facts {
    fn of(entry: &Entry, cases: &[&Case]) -> Result<Self, String> {
        let mut facts = Self { f16: true, ..Self::default() };
        for case in cases {
            let subject = Subject::of(case, entry)?;
            for (name, asked) in case.attributes.asked() {
                facts.attributes.entry(name).or_default().insert(asked.default);
            }
            if matches!(entry.build, Build::Operator(_)) {
                facts.parameters.extend(case.parameters.keys().cloned());
            }
            let mut by_device = vec![];
            for capabilities in devices() {
                let plan = subject.plan(&capabilities, false)?;
                let passes = subject.passes(&plan, &capabilities)?;
                let kernel = |at: &usize| plan.program().dispatches[*at].kernel.name;
                let [forward, backward] = [passes.forward, passes.backward]
                    .map(|pass| -> Vec<_> { pass.iter().map(kernel).collect() });
                by_device.push(forward.iter().chain(&backward).copied().collect());
                add(&mut facts.forward, forward);
                add(&mut facts.backward, backward);
            }
            facts.compare(&by_device);
            facts.f16 &= works_in_half(&subject)?;
        }
        Ok(facts)
    }

    /// Remembers the kernels that some of the devices run for a case and some do not.
    fn compare(&mut self, by_device: &[BTreeSet<&'static str>]) {
        let all: BTreeSet<_> = by_device.iter().flatten().copied().collect();
        self.some
            .extend(all.into_iter().filter(|kernel| by_device.iter().any(|some| !some.contains(kernel))));
    }

    fn row(&self, operator: &str) -> String {
        let attributes = self.attributes.iter().map(|(name, defaults)| {
            let mut defaults = defaults.iter();
            match (defaults.next().map(String::as_str), defaults.next()) {
                (Some("None") | None, None) => format!("`{name}`"),
                (Some(only), None) => format!("`{name}` {only}"),
                _ => format!("`{name}` …"),
            }
        });
        let kernels = |kernels: &[&str]| -> String {
            let own = format!("{operator}/");
            let name = |kernel: &&str| format!("`{}`", kernel.strip_prefix(&own).unwrap_or(kernel));
            list(kernels.iter().map(name))
        };
        let variants: BTreeSet<_> = self.some.iter().filter_map(|kernel| kernel.rsplit('_').next()).collect();
        format!(
            "| {operator} | {} | {} | {} | {} | {} | {} |\n",
            list(attributes),
            list(self.parameters.iter().map(|parameter| format!("`{parameter}`"))),
            kernels(&self.forward),
            kernels(&self.backward),
            list(variants.into_iter().map(|variant| (*variant).to_owned())),
            if self.f16 { "yes" } else { "no" },
        )
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "–".into() } else { items.join(", ") }
}

/// Devices of which each gets kernels that another does not.
fn devices() -> [Capabilities; 2] {
    let webgpu = Capabilities::webgpu();
    [Capabilities { subgroup_size: Some(8), software: true, ..webgpu.clone() }, webgpu]
}

fn add(known: &mut Vec<&'static str>, kernels: Vec<&'static str>) {
    for kernel in kernels {
        if !known.contains(&kernel) {
            known.push(kernel);
        }
    }
}

/// Whether every kernel that binds an activation knows how to read and write it in half precision. Activations are the
/// tensors that are smaller then.
fn works_in_half(subject: &Subject) -> Result<bool, String> {
    let webgpu = Capabilities::webgpu();
    let [full, half] = [false, true].map(|half| subject.plan(&webgpu, half));
    let (full, half) = (full?, half?);
    let bytes = |plan: &Plan, tensor: TensorId| plan.program().tensors[tensor.0].bytes;
    Ok(half.program().dispatches.iter().all(|dispatch| {
        let activation = |binding: &Binding| bytes(&half, binding.tensor) < bytes(&full, binding.tensor);
        !dispatch.bindings.iter().any(activation) || dispatch.kernel.source.contains("// section storage:")
    }))
}
