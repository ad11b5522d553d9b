//! What the tests and the conformance example share: operator cases, and how the reference runs them.

pub mod case;
pub mod reference;
