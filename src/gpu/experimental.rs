//! wgpu's experimental features. Asking for one is `unsafe`: a driver, or wgpu itself, may misbehave with it.

#![allow(unsafe_code)]

use wgpu::{Adapter, Backend, CooperativeScalarType, ExperimentalFeatures, Features};

use super::CooperativeMatrix;

/// The permission that a device with these features has to be asked for with.
pub(super) fn permission(features: Features) -> ExperimentalFeatures {
    if features.intersects(Features::all_experimental_mask()) {
        // SAFETY: none of them is asked for unless whoever made the context did, and was told what that means
        // (`ContextBuilder::cooperative_matrices`).
        unsafe { ExperimentalFeatures::enabled() }
    } else {
        ExperimentalFeatures::disabled()
    }
}

/// The first of the [cooperative matrices](CooperativeMatrix::ALL) that an adapter has. Kernels read them from vectors,
/// which is what Vulkan takes; what wgpu makes of that for Metal does not compile.
pub(super) fn cooperative_matrix(adapter: &Adapter) -> Option<CooperativeMatrix> {
    if adapter.get_info().backend != Backend::Vulkan {
        return None;
    }
    let properties = adapter.cooperative_matrix_properties();
    let has = |matrix: &CooperativeMatrix| {
        properties.iter().any(|has| {
            [has.m_size, has.n_size, has.k_size].iter().all(|size| *size as usize == matrix.size())
                && has.ab_type == CooperativeScalarType::F16
                && has.cr_type == CooperativeScalarType::F32
        })
    };
    CooperativeMatrix::ALL.into_iter().find(has)
}
