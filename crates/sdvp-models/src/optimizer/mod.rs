//! Optimisation.

mod adamw;
mod group;
mod schedule;
mod state;

pub use adamw::{AdamW, AdamWConfig, StepReport};
pub use group::ParameterGroup;
pub use schedule::Schedule;
