//! The devices that the tests of this folder share, so that no pipeline is made twice.

use std::sync::OnceLock;

use wgcnn::gpu::Context;

/// A context for each variant of the kernels: subgroup operations where the adapter has them, and none.
/// Their memory is poisoned.
pub fn contexts() -> &'static [Context] {
    static CONTEXTS: OnceLock<Vec<Context>> = OnceLock::new();
    CONTEXTS.get_or_init(open)
}

/// The same, opened anew.
pub fn open() -> Vec<Context> {
    let context = |subgroups| Context::builder().poison(true).subgroups(subgroups).build().unwrap();
    let first = context(true);
    match first.capabilities().subgroup_size {
        Some(_) => vec![first, context(false)],
        None => vec![first],
    }
}
