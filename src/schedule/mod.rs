//! A network becomes a plan, and a plan becomes a command buffer.

mod placement;
mod recording;

pub use placement::Place;
pub use recording::Recording;
