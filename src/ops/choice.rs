//! Choices: where several kernels compute the same, which of them a plan takes.
//!
//! An operator that has several kernels for a computation makes a [`Problem`] of it, and asks its program to choose
//! among the problem's candidates. Without any measurement the first is taken: the best one by an estimate from what
//! the device can do. A tuner may have measured; then [`Choices`] holds the names of the winners.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::operand::Operand;
use super::program::{Program, Storage};
use crate::gpu::Capabilities;

/// A computation for which there may be several kernels, as plain data.
pub trait Problem: Debug + Send + Sync {
    /// What is computed, with all sizes: under this its choice is remembered. Two problems with the same key have the
    /// same candidates on the same device.
    fn key(&self) -> String;

    /// The names of the variants that can compute it on a device, the best by estimate first.
    fn candidates(&self, capabilities: &Capabilities) -> Vec<String>;

    /// About how long each of them takes, in their order and in a unit that the problems of a device share. What takes
    /// longest is worth most of a tuner's time, and what is far from the best is worth none.
    fn estimates(&self, capabilities: &Capabilities) -> Vec<f64>;

    /// Appends the computation by itself, by one of its candidates, between tensors of its own. Operands and result
    /// are the same for each candidate.
    fn trial(&self, program: &mut Program, capabilities: &Capabilities, candidate: usize) -> Trial;
}

/// A problem by itself in a program, to be measured and compared.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What it reads.
    pub operands: Vec<Operand>,
    /// What it writes.
    pub result: Operand,
    /// The number of terms of the longest sum that makes an element of the result: how far two candidates may differ
    /// follows from it.
    pub terms: usize,
}

/// How many times the smallest rounding two sums may differ by for each square root of a term and unit of magnitude:
/// twice what either may be off.
const ROUNDINGS: f64 = 2.0 * 4.0;

impl Trial {
    /// How far an element that is `wanted` by one candidate may differ by another where the operands are numbers between
    /// -1 and 1. Each of two sums of n products may be off by 4 · 2⁻²⁴ · √n · Σ|a·b|, the bound that every kernel keeps
    /// to; such a product is a quarter on average. What is stored in half precision was rounded once more.
    pub fn tolerance(&self, storage: Storage, wanted: f32) -> f64 {
        let terms = self.terms.max(1) as f64;
        let sums = ROUNDINGS * f64::from(f32::EPSILON) / 2.0 * terms.sqrt() * terms / 4.0;
        if self.result.is_half(storage) { sums + HALF_UNIT * f64::from(wanted.abs()) } else { sums }
    }
}

/// How far two numbers may lie apart that were rounded to half precision, relative to their size.
const HALF_UNIT: f64 = 1.0 / (1 << 10) as f64;

/// Which variants were chosen for which problems: names under keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    chosen: BTreeMap<String, String>,
}

impl Choices {
    /// Remembers that the variant `name` suits the problem `key` best.
    pub fn set(&mut self, key: impl Into<String>, name: impl Into<String>) {
        self.chosen.insert(key.into(), name.into());
    }

    /// The name of the variant chosen for a problem, if one was.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.chosen.get(key).map(String::as_str)
    }

    /// All choices, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.chosen.iter().map(|(key, name)| (key.as_str(), name.as_str()))
    }

    /// The index of the candidate that was chosen for a problem; the first where none was, or one that does not exist.
    pub(crate) fn pick(&self, problem: &dyn Problem, capabilities: &Capabilities) -> usize {
        let Some(chosen) = self.get(&problem.key()) else { return 0 };
        problem.candidates(capabilities).iter().position(|name| name == chosen).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::program::ParameterLayout;

    #[derive(Debug)]
    struct Two;

    impl Problem for Two {
        fn key(&self) -> String {
            "two".into()
        }

        fn candidates(&self, _capabilities: &Capabilities) -> Vec<String> {
            vec!["first".into(), "second".into()]
        }

        fn estimates(&self, _capabilities: &Capabilities) -> Vec<f64> {
            vec![1.0, 2.0]
        }

        fn trial(&self, program: &mut Program, _capabilities: &Capabilities, _candidate: usize) -> Trial {
            let result = Operand::parameter(program, "result", ParameterLayout::Vector, [1]);
            Trial { operands: vec![], result, terms: 1 }
        }
    }

    #[test]
    fn the_first_is_taken_unless_another_was_chosen() {
        let capabilities = Capabilities::webgpu();
        let mut choices = Choices::default();
        assert_eq!(choices.pick(&Two, &capabilities), 0);
        choices.set("two", "second");
        choices.set("other", "first");
        assert_eq!(choices.pick(&Two, &capabilities), 1);
        choices.set("two", "nobody knows it");
        assert_eq!(choices.pick(&Two, &capabilities), 0);
    }
}
