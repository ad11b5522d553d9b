//! How numbers are stored.

use super::{Dispatch, Kernel, kernel, quads};
use crate::shape::Shape;

/// How the four channels of a quad of an activation are stored. Sums are in f32 in any case, and so are parameters,
/// their gradients, statistics and losses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Storage {
    /// Four `f32`.
    #[default]
    F32,
    /// Four `f16`, two in a word, converted by the packing functions that every device has.
    PackedF16,
    /// Four `f16`, on devices with the feature `shader-f16`.
    NativeF16,
}

impl Storage {
    /// The bytes of a quad.
    pub fn quad_bytes(self) -> usize {
        if self == Self::F32 { 16 } else { 8 }
    }

    /// The bytes of one sample of an activation.
    pub fn sample_bytes(self, shape: Shape) -> usize {
        shape.height * shape.width * quads(shape.channels) * self.quad_bytes()
    }

    /// The sections that take the place of a dispatch's own. `wide` says whether the device has wide loads.
    pub(super) fn sections(
        self,
        dispatch: &Dispatch,
        wide: bool,
    ) -> impl Iterator<Item = (&'static str, Kernel)> + use<> {
        let half = match self {
            Self::PackedF16 if !dispatch.in_f32 => Some(kernel!("storage/packed_f16")),
            Self::NativeF16 if !dispatch.in_f32 => Some(kernel!("storage/native_f16")),
            _ => None,
        };
        let single = (wide && dispatch.wide).then_some(kernel!("storage/wide_f32"));
        let result = half.filter(|_| dispatch.result_is_activation);
        let sections =
            [("storage", half.or(single)), ("result", result), ("plain", single), ("pair", single)];
        sections.into_iter().filter_map(|(name, from)| Some((name, from?)))
    }
}
