//! The devices that the tests of this folder share, so that no pipeline is made twice.

use std::sync::OnceLock;

use wgcnn::gpu::Context;

/// A context for each variant of the kernels: subgroup operations and words of 64 bits where the adapter has them, and
/// none.
/// Their memory is poisoned.
pub fn contexts() -> &'static [Context] {
    static CONTEXTS: OnceLock<Vec<Context>> = OnceLock::new();
    CONTEXTS.get_or_init(open)
}

/// The same, opened anew.
pub fn open() -> Vec<Context> {
    let context = |features| {
        Context::builder().poison(true).subgroups(features).shader_int64(features).build().unwrap()
    };
    let (all, none) = (context(true), context(false));
    if all.capabilities() == none.capabilities() { vec![all] } else { vec![all, none] }
}
