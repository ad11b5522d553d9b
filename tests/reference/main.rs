//! The CPU twins against definitions that do not come from them.

mod gradients;
