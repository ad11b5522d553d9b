//! What is to be found out about an operator by asking it: what it makes of attributes, and what it dispatches.

use std::collections::{BTreeMap, BTreeSet};

use wgcnn::gpu::Capabilities;
use wgcnn::ops::program::{Binding, Dispatch};
use wgcnn::ops::registry::{Build, Entry};
use wgcnn::schedule::{Plan, PlanOptions};

use super::case::Case;
use super::draft::Draft;
use super::rows::rows;
use super::sample::sample;
use super::subject::Subject;

/// What cases show of an operator.
#[derive(Default)]
pub struct Facts {
    pub attributes: BTreeMap<String, Attribute>,
    pub parameters: BTreeSet<String>,
    /// The kernels of the forward pass or the update, in the order in which they were met.
    pub forward: Vec<&'static str>,
    pub backward: Vec<&'static str>,
    /// Those of a layer's kernels that run on some devices and not on others.
    pub variants: BTreeSet<&'static str>,
    /// Whether it reads and writes activations in half precision.
    pub f16: bool,
}

/// What cases show of an attribute.
#[derive(Default)]
pub struct Attribute {
    /// Several where it follows from something else.
    pub defaults: BTreeSet<String>,
    /// Whether there is no case without it.
    pub required: bool,
}

impl Facts {
    /// Asks an operator with these cases, the benchmark's rows and some random ones.
    ///
    /// # Errors
    /// Where a case that should be accepted is refused.
    pub fn of(entry: &'static Entry, cases: &[&Case]) -> Result<Self, String> {
        let mut facts = Self { f16: true, ..Self::default() };
        let rows = rows(entry.name).into_iter().map(|row| Ok((row.case(entry)?, row)));
        let mut drafted: Vec<(Case, Draft)> = rows.collect::<Result<_, String>>()?;
        // Some of the random ones are refused.
        let random = sample(entry)?.into_iter().filter_map(|draft| Some((draft.case(entry).ok()?, draft)));
        drafted.extend(random);
        for case in cases.iter().copied().chain(drafted.iter().map(|(case, _)| case)) {
            facts.dispatches(entry, &Subject::of(case, entry)?)?;
            if matches!(entry.build, Build::Operator(_)) {
                facts.parameters.extend(case.parameters.keys().cloned());
            }
        }
        facts.attributes(&drafted);
        Ok(facts)
    }

    fn attributes(&mut self, drafted: &[(Case, Draft)]) {
        for (case, _) in drafted {
            for (name, asked) in case.attributes.asked() {
                let required = drafted.iter().all(|(_, draft)| draft.attributes.contains_key(&name));
                let attribute = self.attributes.entry(name).or_default();
                attribute.required = required;
                attribute.defaults.insert(asked.default);
            }
        }
    }

    fn dispatches(&mut self, entry: &Entry, subject: &Subject) -> Result<(), String> {
        let mut by_device: Vec<BTreeSet<&'static str>> = vec![];
        for capabilities in devices() {
            let plan = subject.plan(&capabilities, false)?;
            let passes = subject.passes(&plan, &capabilities)?;
            let [forward, backward] =
                [passes.forward, passes.backward].map(|pass| kernels(&plan, pass.into_iter()));
            by_device.push(forward.iter().chain(&backward).copied().collect());
            if matches!(entry.build, Build::Operator(_)) {
                let inference = PlanOptions::inference(subject.options().batch);
                let inference =
                    Plan::new(&subject.network, &inference, &capabilities).map_err(|e| e.to_string())?;
                let own = subject.own(&inference);
                add(&mut self.forward, kernels(&inference, own.into_iter()));
            }
            add(&mut self.forward, forward);
            add(&mut self.backward, backward);
        }
        let everywhere = |kernel: &&str| by_device.iter().all(|device| device.contains(*kernel));
        let of_layer = |kernel: &&str| !kernel.starts_with("common/");
        let some = by_device.iter().flatten().copied();
        self.variants.extend(some.filter(|kernel| of_layer(kernel) && !everywhere(kernel)));
        self.f16 &= works_in_half(subject)?;
        Ok(())
    }
}

/// Devices of which each gets kernels that another does not.
fn devices() -> [Capabilities; 2] {
    let webgpu = Capabilities::webgpu();
    [Capabilities { subgroup_size: Some(8), software: true, ..webgpu.clone() }, webgpu]
}

/// The kernels of some of a plan's dispatches, and those whose functions they borrow.
fn kernels(plan: &Plan, dispatches: impl Iterator<Item = usize>) -> Vec<&'static str> {
    let names = |dispatch: &Dispatch| -> Vec<&'static str> {
        let borrowed = dispatch.sections.iter().map(|(_, kernel)| kernel.name);
        borrowed.chain([dispatch.kernel.name]).collect()
    };
    dispatches.flat_map(|at| names(&plan.program().dispatches[at])).collect()
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
    let (full, half) = (subject.plan(&webgpu, false)?, subject.plan(&webgpu, true)?);
    let sizes: BTreeMap<&str, u64> =
        full.program().tensors.iter().map(|tensor| (tensor.label.as_str(), tensor.bytes)).collect();
    Ok(half.program().dispatches.iter().all(|dispatch| {
        let activation = |binding: &Binding| {
            let tensor = &half.program().tensors[binding.tensor.0];
            sizes.get(tensor.label.as_str()).is_some_and(|full| tensor.bytes < *full)
        };
        !dispatch.bindings.iter().any(activation) || dispatch.kernel.source.contains("// section storage:")
    }))
}
