//! A network becomes a plan, and a plan becomes a command buffer.

mod blocks;
mod placement;
mod plan;
mod planner;
mod recording;

pub use placement::Place;
pub use recording::Recording;
