//! Checks of optimizers' and updates' settings. No operator of its own.

use crate::{Error, Result};

/// Refuses `option`, which is `got`, unless `holds`.
pub(crate) fn require(
    holds: bool,
    option: &'static str,
    got: impl ToString,
    expected: &'static str,
) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Option { option, got: got.to_string(), expected }) }
}

/// A number that is not negative.
pub(crate) fn from_zero(option: &'static str, got: f32) -> Result<()> {
    require(got.is_finite() && got >= 0.0, option, got, "a number from 0")
}

/// A learning rate.
pub(crate) fn check_learning_rate(learning_rate: f32) -> Result<()> {
    from_zero("the learning rate", learning_rate)
}

/// A number that a device does not take for zero.
pub(crate) fn above_zero(option: &'static str, got: f32) -> Result<()> {
    require(got.is_normal() && got > 0.0, option, got, "a number more than 0")
}

/// How much is kept of what was before.
pub(crate) fn fraction(option: &'static str, got: f32) -> Result<()> {
    require((0.0..1.0).contains(&got), option, got, "at least 0 and less than 1")
}
