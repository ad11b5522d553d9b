//! What the operators with a sliding window share: their builder methods and how they read attributes.

use super::Refusal;
use super::registry::Attributes;
use crate::shape::Window;

/// Builder methods for an operator whose field `window` is a [`Window`].
macro_rules! window_setters {
    ($operator:ty: $($setter:ident),+) => {
        impl $operator {
            $($crate::ops::window::window_setters!(@$setter);)+
        }
    };
    (@stride) => {
        /// The step from one position to the next.
        pub fn stride(mut self, stride: impl Into<$crate::shape::Pair>) -> Self {
            self.window.stride = stride.into().0;
            self
        }
    };
    (@padding) => {
        /// What surrounds the image.
        pub fn padding(mut self, padding: impl Into<$crate::shape::Padding>) -> Self {
            self.window.padding = padding.into();
            self
        }
    };
    (@dilation) => {
        /// The distance between the kernel's taps.
        pub fn dilation(mut self, dilation: impl Into<$crate::shape::Pair>) -> Self {
            self.window.dilation = dilation.into().0;
            self
        }
    };
    (@ceil_mode) => {
        /// Whether a last position that covers the image only in part counts too.
        pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
            self.window.ceil_mode = ceil_mode;
            self
        }
    };
    (@strict) => {
        /// Whether a stride that leaves some of the padded image uncovered is an error, which lists the
        /// strides and paddings that fit.
        pub fn strict(mut self, strict: bool) -> Self {
            self.window.strict = strict;
            self
        }
    };
}
pub(crate) use window_setters;

/// The window that `stride`, `padding` and `dilation` say; what is absent is as in `default`, and so is the rest.
///
/// # Errors
/// Names the attribute that cannot be read.
pub(super) fn from_attributes(attributes: &Attributes, default: Window) -> Result<Window, Refusal> {
    Ok(Window {
        stride: attributes.sizes("stride", default.stride)?,
        padding: attributes.sizes("padding", [0; 4])?.into(),
        dilation: attributes.sizes("dilation", default.dilation)?,
        ..default
    })
}
