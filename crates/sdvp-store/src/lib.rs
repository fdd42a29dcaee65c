//! Runs that last. A run is a folder:
//!
//! - `run.sqlite` (and, while it is written, SQLite's `run.sqlite-wal` and `-shm`): what was run, and
//!   every question with its program, its sub-tasks and its answer; losses and checkpoints of trainings.
//! - `images/ab/cd….png`: every picture that was looked at, once, by the digest of its pixels.
//! - `run.lock`: who writes.
//!
//! A question is written with its sub-tasks and its answer in one transaction, so that after a crash at
//! any moment it is there as a whole or not at all, and whoever goes on runs exactly those that are
//! missing. Nothing depends on the clock: questions have numbers, which are their places among those
//! that the run is about.
//!
//! What is answered and by whom is not known here: there are only records.
//!
//! Beside runs there is a cache of outcomes that all runs share: `cache/`.

mod address;
mod cache;
mod compare;
mod configuration;
mod database;
mod digest_column;
mod error;
mod export;
mod images;
mod intern;
mod list;
mod lock;
mod reader;
mod record;
mod refusal;
mod rounding;
mod schema;
mod summary;
#[cfg(test)]
mod tests;
mod whole_text;
mod writer;

pub use cache::{
    CacheError, CacheSettings, CacheSummary, Cleared, Clearing, KeptModule, OutcomeFile,
    cache_summary, clear_cache,
};
pub use compare::{Comparison, StepDifference, compare};
pub use configuration::{Configuration, Difference};
pub use error::StoreError;
pub use export::{ExportFormat, Exported, export};
pub use list::{ListedRun, RunOverview, list};
pub use lock::{LOCK, Lock};
pub use reader::{CheckpointRow, QuestionRow, RunReader, SubTaskRow};
pub use record::{
    CheckpointRecord, Finished, ModuleIdentity, QuestionRecord, Source, SubTaskRecord,
};
pub use summary::{
    CurveSummary, KindSummary, ModuleSummary, SlowQuestion, SubTaskSummary, Summary,
};
pub use writer::RunWriter;

/// The database's name in a run's folder.
pub(crate) const DATABASE: &str = "run.sqlite";
/// A score from here on is a right answer.
pub const RIGHT: f64 = 0.5;
