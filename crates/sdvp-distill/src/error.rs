//! Why distillation failed.

use sdvp_core::SubTaskKind;
use sdvp_models::ModelError;
use sdvp_modules::SetupError;
use std::path::PathBuf;

/// Why distillation failed.
#[derive(Debug, thiserror::Error)]
pub enum DistillError {
    /// The network or its training.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A student or teacher could not be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// All weights, or those that see, were to learn of a network whose own never do.
    #[error(
        "expected low-rank additions for the {network}, whose own weights do not learn: give --lora RANK, \
         and --lora-layer for where they are to sit"
    )]
    AdditionsOnly {
        /// The network.
        network: &'static str,
    },
    /// Low-rank additions were to learn, but there is no layer that they sit in.
    #[error(
        "no layer of the {network} has a name with {patterns} in it, so that nothing of it would learn: \
         give one more --lora-layer, or no steps for what it does"
    )]
    NothingLearns {
        /// The network.
        network: &'static str,
        /// What layers' names were to have.
        patterns: String,
    },
    /// The runtime could not be set up.
    #[error("the modules cannot run together: {0}")]
    Runtime(String),
    /// A student's memory on disk.
    #[error("the student's memory cannot be used: {}: {reason}", path.display())]
    Memory {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Calls that are to be labelled elsewhere.
    #[error("the calls cannot be written: {}: {reason}", path.display())]
    Calls {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// What is kept of a distillation under way.
    #[error(
        "what is kept of the unfinished distillation cannot be used: {}: {reason}; what is not damaged \
         stays of use if you remove that file or folder and repeat the command", path.display()
    )]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another distillation is under way there.
    #[error(
        "{} holds a distillation that is not finished, and another one: {}; repeat its command to go on \
         with it, choose another --out, or give --afresh to drop it",
        folder.display(), differing.join("; ")
    )]
    OtherDistillation {
        /// Where.
        folder: PathBuf,
        /// What differs: its name, what it is there, and what is wanted.
        differing: Vec<String>,
    },
    /// Nothing to learn from.
    #[error(
        "no {kind} call could be learned from: {harvested} were harvested, the teacher labelled {labelled}; \
         are there programs with such steps, and does the teacher know their words (or, if it is a \
         file of labels: were its calls harvested with the same options)?"
    )]
    NothingToLearn {
        /// Of which kind.
        kind: SubTaskKind,
        /// Calls found.
        harvested: usize,
        /// Calls that the teacher labelled.
        labelled: usize,
    },
}

/// Shorthand.
pub(crate) type Result<T> = std::result::Result<T, DistillError>;
