//! Optimisation.

mod adamw;
mod schedule;

pub use adamw::{AdamW, AdamWConfig, StepReport};
pub use schedule::Schedule;
