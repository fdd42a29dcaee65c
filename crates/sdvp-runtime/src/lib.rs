//! Runs thousands of suspended executions at once: what they need is gathered per module, stripped
//! of duplicates, looked up in a cache (and in another behind it, where there is one), answered in batches, and handed back.
//!
//! Results do not depend on how many run together, as long as a module's answer does not depend on
//! what else is in its batch. Which task the programs belong to is not known here.
//!
//! A turn of [`Runtime::run`]: admit jobs until [`Settings::in_flight`] are held; hand full batches
//! of what the oldest executions wait for to the modules; resume those that were answered; tell the
//! caller of the ended ones. Only when no batch can be filled is a partial one run.

mod active;
mod cache;
mod dispatch;
mod guard;
mod job;
mod kept;
mod pending;
mod runtime;
mod settings;
mod statistics;
#[cfg(test)]
mod tests;

pub use job::{Call, How, Job, JobError, Run, RunFailure};
pub use kept::KeptOutcomes;
pub use runtime::{Runtime, RuntimeError};
pub use settings::Settings;
pub use statistics::{ModuleStatistics, Statistics};
