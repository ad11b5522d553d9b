//! Every name of the registry on its cases in `tests/cases`, and on random ones against the reference.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;
use wgcnn::gpu::Context;
use wgcnn::ops::registry::{self, Entry, REGISTRY};

use crate::common::case::{self, Case};
use crate::common::draft::Draft;
use crate::common::gpu;
use crate::common::oracle::Oracle;
use crate::common::strategies::{drafts, is_small};
use crate::contexts::{contexts, open};
use crate::random::check_random;
use crate::random_graphs;

/// The tests of each operator, so that each is seen to pass or fail by itself.
macro_rules! every {
    ($($name:ident),+ $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];
        $(mod $name {
            const NAME: &str = stringify!($name);

            #[test]
            fn cases() {
                super::check_cases(super::entry(NAME), &super::cases(NAME));
            }

            #[test]
            fn cases_in_half_precision() {
                crate::half::check_cases(super::entry(NAME), &super::cases(NAME));
            }

            #[test]
            fn properties() {
                super::check_properties(super::entry(NAME), crate::random::seed(), &super::contexts()[..1]);
            }
        })+
    };
}

every! {
    adam,
    adamw,
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    add,
    avg_pool2d,
    batch_norm,
    bce_with_logits,
    concat,
    conv2d,
    conv_transpose2d,
    crop,
    cross_entropy,
    dropout,
    elu,
    flatten,
    gelu,
    giou,
    global_avg_pool2d,
    global_max_pool2d,
    group_norm,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    l1,
    leaky_relu,
    linear,
    local_response_norm,
    log_softmax,
    lp_pool2d,
    max_pool2d,
    mse,
    mul,
    nll_loss,
    pad2d,
    prelu,
    relu,
    relu6,
    reshape,
    rmsprop,
    sgd,
    sigmoid,
    sigmoid_focal,
    silu,
    smooth_l1,
    softmax,
    softplus,
    split,
    tanh,
    upsample_bilinear2d,
    upsample_nearest2d,
}

#[test]
fn the_names_are_those_of_the_registry() {
    let registered: Vec<&str> = REGISTRY.iter().map(|entry| entry.name).collect();
    assert_eq!(NAMES, registered);
}

fn entry(name: &str) -> &'static Entry {
    registry::find(name).unwrap_or_else(|| panic!("{name} is not in the registry"))
}

/// The cases of an operator in `tests/cases`.
fn cases(name: &str) -> Vec<&'static Case> {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    let cases = CASES.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
        case::files(&folder).unwrap().iter().map(|file| Case::read(file).unwrap()).collect()
    });
    cases.iter().filter(|case| case.operator == name).collect()
}

/// Checks that cases give what PyTorch gave.
fn check_cases(entry: &Entry, cases: &[&Case]) {
    // Tiles in workgroup memory, which take their place where there are no subgroups, are what a driver compiles longest. All
    // cases run on them on the adapters that have nothing else.
    for (context, step) in contexts().iter().zip([1, 4]) {
        for case in cases.iter().step_by(step) {
            let results = gpu::run(context, case, entry).unwrap();
            let wrong: Vec<_> = case.mismatches(&results).iter().map(ToString::to_string).collect();
            assert!(wrong.is_empty(), "{} on {}\n{}", case.name, context.description(), wrong.join("\n"));
        }
    }
}

/// Checks random cases of an operator.
fn check_properties(entry: &'static Entry, seed: u64, contexts: &[Context]) {
    let test = format!("every::{}::properties", entry.name);
    check_random(&test, seed, 8, drafts(entry.name), |draft| check_draft(entry, &draft, contexts));
}

/// Checks one random case on every variant of the kernels. One that the operator refuses, that is large, or whose result
/// is no number does not count.
fn check_draft(entry: &Entry, draft: &Draft, contexts: &[Context]) -> Result<(), TestCaseError> {
    let case = draft.case(entry).map_err(TestCaseError::reject)?;
    prop_assume!(is_small(&case));
    let oracle = Oracle::of(&case, entry).map_err(TestCaseError::fail)?;
    prop_assume!(oracle.is_finite());
    for context in contexts {
        let results = gpu::run(context, &case, entry).map_err(TestCaseError::fail)?;
        let worst = oracle.worst(&results).map_err(TestCaseError::fail)?;
        prop_assert!(worst.share() <= 1.0, "{worst} on {}", context.description());
    }
    Ok(())
}

/// Random cases of all operators, and random networks, with ever new seeds, for as many seconds as `WGCNN_FUZZ_SECONDS` says.
#[test]
#[ignore = "./dev fuzz SECONDS"]
fn fuzz() {
    let seconds = std::env::var("WGCNN_FUZZ_SECONDS").expect("WGCNN_FUZZ_SECONDS");
    let end = Instant::now() + Duration::from_secs(seconds.parse().expect("a number of seconds"));
    let first = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    for seed in (first..).take_while(|_| Instant::now() < end) {
        println!("seed {seed}");
        // A device keeps every pipeline that it made.
        let contexts = open();
        let entries = REGISTRY.iter().take_while(|_| Instant::now() < end);
        entries.for_each(|entry| check_properties(entry, seed, &contexts));
        random_graphs::check(seed, &contexts);
    }
}
