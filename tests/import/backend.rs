//! The tests of ONNX's backends in `tests/onnx`.

use std::path::Path;

use wgcnn::gpu::Context;

use crate::common::evaluate::Engine;
use crate::common::onnx;

/// Runs all of them; none may fail or be refused.
fn check(on: &str, engine: &Engine<'_>) {
    let folders = onnx::folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx")).unwrap();
    let mut reports = vec![];
    let summary = onnx::run(&folders, None, engine, |report| reports.push(report.to_owned()));
    let all = &summary.all;
    assert!(
        all.passed == folders.len() && all.passed > 0,
        "{all} and {} foreign on {on}\n{}",
        all.foreign,
        reports.join("\n")
    );
}

#[test]
fn the_reference_passes() {
    check("the reference", &Engine::Reference);
}

#[test]
fn the_kernels_pass() {
    let context = Context::builder().poison(true).build().unwrap();
    check(&context.description(), &Engine::Gpu(&context));
}
