//! The devices that the tests of this folder share, so that no pipeline is made twice.

use std::sync::OnceLock;

use wgcnn::gpu::Context;

/// A context for each variant of the kernels: subgroup operations where the adapter has them, and none.
/// Their memory is poisoned.
pub fn contexts() -> &'static [Context; 2] {
    static CONTEXTS: OnceLock<[Context; 2]> = OnceLock::new();
    CONTEXTS.get_or_init(|| {
        [true, false].map(|subgroups| Context::builder().poison(true).subgroups(subgroups).build().unwrap())
    })
}
