//! What is run, and what comes of it.

use sdvp_core::Digest;
use sdvp_program::{Inputs, Program, RunError, Trace, Value};
use std::sync::Arc;

/// A program with the images it runs on.
pub struct Job {
    /// The program.
    pub program: Arc<dyn Program>,
    /// Its images.
    pub inputs: Inputs,
}

/// Why a job could not be made, such as an image that is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JobError(pub String);

impl From<String> for JobError {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

/// A run that ended.
#[derive(Debug)]
pub struct Run {
    /// Its value, or why there is none.
    pub result: Result<Value, RunFailure>,
    /// What happened, as far as it went.
    pub trace: Trace,
    /// How the sub-tasks that were handed to modules came to their answers, in the order in which
    /// they were asked.
    pub calls: Vec<Call>,
}

/// How a sub-task came to its answer, or to the failure of its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Identity of the request: [`sdvp_core::SubTask::key`].
    pub key: Digest,
    /// Fingerprint of the module.
    pub module: Digest,
    /// Whether anything was computed for it.
    pub how: How,
    /// Its part of the time that its batch took, microseconds; 0 if nothing was computed for it.
    pub micros: u32,
}

/// Whether anything was computed for a sub-task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The module computed it.
    Computed,
    /// It was answered from an earlier outcome.
    Cached,
    /// It was answered together with an equal one.
    Shared,
}

/// Why a run has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunFailure {
    /// It could not begin.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The program failed.
    #[error(transparent)]
    Program(#[from] RunError),
    /// The code that makes the job or interprets the program is at fault, not the program.
    #[error("the interpreter panicked: {0}")]
    Panicked(String),
}
