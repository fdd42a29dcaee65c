//! Modules: what answers sub-tasks.

use crate::{Digest, Outcome, SubTask, SubTaskKind};

/// Why a module could not answer one sub-task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    /// The module does not answer this kind.
    #[error("{module} does not answer {kind} sub-tasks")]
    WrongKind {
        /// The module's name.
        module: String,
        /// What it was asked.
        kind: SubTaskKind,
    },
    /// No module answers this kind.
    #[error("no module answers {kind} sub-tasks")]
    NoModule {
        /// What was asked.
        kind: SubTaskKind,
    },
    /// The text of the sub-task cannot be used.
    #[error("{module} cannot use the text {text:?}: {reason}")]
    BadText {
        /// The module's name.
        module: String,
        /// The text.
        text: String,
        /// Why not.
        reason: String,
    },
    /// The computation failed.
    #[error("{module} failed: {reason}")]
    Failed {
        /// The module's name.
        module: String,
        /// Why.
        reason: String,
    },
}

/// Something that answers sub-tasks: a student, a teacher behind its adapter, an oracle, a stand-in.
pub trait Module: Send + Sync {
    /// A name for traces and errors.
    fn name(&self) -> &str;

    /// The kinds it answers.
    fn answers(&self) -> &[SubTaskKind];

    /// Identity of weights and settings: equal fingerprints answer equally.
    fn fingerprint(&self) -> Digest;

    /// Answers each sub-task of the batch, in order: the result has the batch's length. One
    /// failure does not touch the others, and no answer depends on what else is in the batch.
    fn run(&self, batch: &[SubTask]) -> Vec<Result<Outcome, ModuleError>>;
}
