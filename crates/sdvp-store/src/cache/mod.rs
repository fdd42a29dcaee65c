//! Outcomes of sub-tasks beyond one process: a folder with `outcomes.sqlite`.
//!
//! An outcome is found by the program that computed it, the module's fingerprint and the request's
//! digest, and what is found is believed only if a checksum over all of these and the outcome's own
//! bytes fits: so a module that has learned, another version of the program and a damaged file all
//! lead to computing again, never to another answer. Any number of processes may use one folder at
//! once; each writes in short transactions, and none holds a lock while it computes.
//!
//! The file is bounded. Outcomes that were used longest ago go first; *when* is counted in **ticks**, a
//! number that every opening and every few thousand outcomes move on, and a use is noted only of what
//! is among the older half of them: so most uses cost nothing, and nothing depends on the clock. Clocks
//! are only noted beside ticks, for people.

mod clear;
mod connection;
mod error;
mod outcomes;
mod room;
mod schema;
mod summary;
#[cfg(test)]
mod tests;
mod value;

pub use clear::{Cleared, Clearing, clear_cache};
pub use error::CacheError;
pub use outcomes::{CacheSettings, OutcomeFile};
pub use summary::{CacheSummary, KeptModule, cache_summary};

/// The file's name in a cache's folder.
pub(crate) const FILE: &str = "outcomes.sqlite";
