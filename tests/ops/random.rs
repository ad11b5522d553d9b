//! How random cases are drawn, and how a failure is told. No operator of its own.
//!
//! The cases are the same in every run, unless `WGCNN_SEED` says otherwise. `./dev fuzz` runs others for as long as it
//! is told.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};

/// Where the drawing starts.
pub fn seed() -> u64 {
    std::env::var("WGCNN_SEED").map_or(0, |seed| seed.parse().expect("WGCNN_SEED must be a whole number"))
}

/// Checks so many random cases for the test of this name. A failure is made as small as it will get before it is shown.
pub fn check_random<S: Strategy>(
    test: &str,
    seed: u64,
    count: u32,
    cases: S,
    check: impl Fn(S::Value) -> TestCaseResult,
) {
    let config =
        Config { cases: count, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    if let Err(error) = runner.run(&cases, check) {
        panic!("{error}\nTo see it again: WGCNN_SEED={seed} cargo test --test ops {test}");
    }
}
