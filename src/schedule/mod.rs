//! A network becomes a plan, and a plan becomes a command buffer.
//!
//! [`Plan`] is pure data: the dispatches of a pass, and where every tensor lies. [`Execution`] is a plan with
//! its memory, pipelines and bind groups; running it only encodes. [`DeviceParameters`] are shared by all
//! executions of one network.

mod blocks;
mod chunks;
mod colours;
mod execution;
mod fusion;
mod layout;
mod parameters;
mod placement;
mod plan;
mod planner;
mod print;
mod prologue;
mod recording;
mod residents;
mod tuning;
mod version;

pub use execution::Execution;
pub use parameters::DeviceParameters;
pub use placement::Place;
pub use plan::{BufferPlan, HostTarget, Io, Plan, PlanOptions, Role};
pub use planner::Resident;
pub use tuning::{Tuning, tune};
