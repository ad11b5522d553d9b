//! Tuning: which candidate wins, which must not, and what it may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use wgcnn::gpu::{Capabilities, Context};
use wgcnn::ops::program::{Dispatch, Kernel, ParameterLayout, Program};
use wgcnn::ops::{CrossEntropy, Operand, Problem, Trial};
use wgcnn::schedule::{Tuning, tune};
use wgcnn::train::{Trainer, TrainerOptions};

use crate::fixture::{BATCH, batch, network, optimizer, trainer};

/// How many numbers are doubled.
const LEN: usize = 1 << 12;

/// Doubles numbers, by kernels that take more or less trouble about it.
#[derive(Debug)]
pub struct Doubling {
    pub key: String,
    pub candidates: &'static [Candidate],
    /// How often a candidate was made ready.
    pub trials: Arc<AtomicUsize>,
    /// How long that takes.
    pub preparation: Duration,
}

/// A name, and the WGSL for the double of `x`.
pub type Candidate = (&'static str, &'static str);

const SLOW: Candidate = ("slow", "slow(x)");
const FAST: Candidate = ("fast", "x + x");
const WRONG: Candidate = ("wrong", "x + x * 1.001");
const NAN: Candidate = ("nan", "x + x + sqrt(-1.0 - x * x)");
/// As fast, but by estimate it is not.
const FAR: Candidate = ("far", "x + x");
const BROKEN: Candidate = ("broken", "x +* x");

impl Doubling {
    pub fn new(key: &str, candidates: &'static [Candidate]) -> Self {
        Self { key: key.into(), candidates, trials: Arc::default(), preparation: Duration::ZERO }
    }
}

impl Problem for Doubling {
    fn key(&self) -> String {
        self.key.clone()
    }

    fn candidates(&self, _: &Capabilities) -> Vec<String> {
        self.candidates.iter().map(|(name, _)| (*name).into()).collect()
    }

    fn estimates(&self, _: &Capabilities) -> Vec<f64> {
        let far = |name: &str| if name == "far" { 100.0 } else { 1.0 };
        self.candidates.iter().map(|(name, _)| far(name)).collect()
    }

    fn trial(&self, program: &mut Program, here: &Capabilities, candidate: usize) -> Trial {
        // What is measured is what a plan for the device would run.
        assert_eq!(program.workgroups_in_turn, here.workgroups_in_turn());
        assert_eq!(program.wide_loads, here.wide_loads());
        self.trials.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(self.preparation);
        let (name, double) = self.candidates[candidate];
        let source = format!(
            "@group(0) @binding(0) var<storage, read> input: array<f32>;
            @group(0) @binding(1) var<storage, read_write> output: array<f32>;
            fn slow(x: f32) -> f32 {{
                var sum = 0.0;
                for (var i = 0u; i < 4000u; i++) {{ sum = fma(sum, 0.5, x); }}
                return sum;
            }}
            @compute @workgroup_size(64)
            fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                let x = input[id.x];
                output[id.x] = {double};
            }}"
        );
        // A kernel lives as long as the program; a test may leak some.
        let name = format!("double {name} {}", self.key).leak();
        let kernel = Kernel { name, source: source.leak() };
        let input = Operand::parameter(program, "input", ParameterLayout::Vector, [LEN]);
        let result = Operand::parameter(program, "output", ParameterLayout::Vector, [LEN]);
        let dispatch = Dispatch::new("trial", kernel).read(input.tensor()).write(result.tensor());
        program.push(dispatch.invocations(LEN, 64));
        Trial { operands: vec![input], result, terms: 1 }
    }
}

/// A device that keeps nothing.
fn context() -> Context {
    Context::builder().without_cache().build().unwrap()
}

/// What a tuner chooses among some candidates.
fn winner(candidates: &'static [Candidate], tuning: Tuning) -> Option<String> {
    let context = context();
    let problem: Arc<dyn Problem> = Arc::new(Doubling::new("doubling", candidates));
    let choices = tune(&context, &[problem], tuning).unwrap();
    assert_eq!(context.allocated_bytes(), 0, "nothing is left behind");
    choices.get("doubling").map(Into::into)
}

#[test]
fn the_fastest_candidate_wins() {
    for candidates in [&[SLOW, FAST], &[FAST, SLOW]] {
        assert_eq!(winner(candidates, Tuning::Full).as_deref(), Some("fast"));
        // A busy machine may take all the time of this for compiling, and then nothing is chosen.
        assert_ne!(winner(candidates, Tuning::Quick).as_deref(), Some("slow"));
    }
    assert_eq!(winner(&[SLOW, FAST], Tuning::Off), None);
}

#[test]
fn what_is_wrong_or_does_not_run_never_wins() {
    // With time enough for all candidates to have their turn on a busy machine.
    assert_eq!(winner(&[SLOW, WRONG], Tuning::Full).as_deref(), Some("slow"));
    assert_eq!(winner(&[SLOW, NAN], Tuning::Full).as_deref(), Some("slow"));
    assert_eq!(winner(&[SLOW, BROKEN], Tuning::Full).as_deref(), Some("slow"));
    assert_eq!(winner(&[SLOW, WRONG, BROKEN, FAST], Tuning::Full).as_deref(), Some("fast"));
    assert_eq!(
        winner(&[BROKEN, FAST], Tuning::Full),
        None,
        "without a first there is nothing to compare with"
    );
}

#[test]
fn what_is_far_behind_by_estimate_has_its_turn_in_full_tuning_alone() {
    assert_eq!(winner(&[SLOW, FAR], Tuning::Quick).as_deref(), Some("slow"));
    assert_eq!(winner(&[SLOW, FAR], Tuning::Full).as_deref(), Some("far"));
}

#[test]
fn a_candidate_without_memory_is_left_out() {
    let context = Context::builder().without_cache().memory_budget(1 << 10).build().unwrap();
    let problem: Arc<dyn Problem> = Arc::new(Doubling::new("doubling", &[SLOW, FAST]));
    let choices = tune(&context, &[problem], Tuning::Quick).unwrap();
    assert_eq!(choices.get("doubling"), None);
    assert_eq!(context.allocated_bytes(), 0);
}

#[test]
fn quick_tuning_keeps_to_its_time() {
    let problem = |i: usize| {
        let preparation = Duration::from_millis(150);
        Arc::new(Doubling { preparation, ..Doubling::new(&format!("doubling {i}"), &[FAST, SLOW]) })
    };
    let problems: Vec<Arc<dyn Problem>> = (0..40).map(|i| -> Arc<dyn Problem> { problem(i) }).collect();
    let context = context();
    let started = Instant::now();
    let choices = tune(&context, &problems, Tuning::Quick).unwrap();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}, of 12 s that all of them would take");
    assert!(choices.iter().count() > 0, "there was time for some");
}

#[test]
fn a_tuned_trainer_learns_the_same() {
    let context = context();
    let options = TrainerOptions::batch(BATCH).tuning(Tuning::Quick);
    let mut tuned = Trainer::new(&context, network(), CrossEntropy::mean(), optimizer(), options).unwrap();
    let mut plain = trainer(&context, network());
    for _ in 0..3 {
        let [tuned, plain] =
            [&mut tuned, &mut plain].map(|trainer| trainer.step(&batch(BATCH)).unwrap().wait().unwrap());
        assert!((tuned.loss - plain.loss).abs() < 1e-4, "{tuned}, not {plain}");
    }
    tuned.predict(&batch(3).images).unwrap();
    drop((tuned, plain));
    assert_eq!(context.allocated_bytes(), 0, "nothing is left behind");
}
