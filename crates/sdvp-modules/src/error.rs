//! Why a module could not be set up.

use sdvp_models::ModelError;
use std::path::PathBuf;

/// Why a student or teacher could not be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The network or its files.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Weights that do not fit their network.
    #[error("{file}: {source}")]
    Weights {
        /// The file.
        file: String,
        /// What does not fit.
        source: ModelError,
    },
    /// A tokenizer's files do not say what they should.
    #[error("the tokenizer of model {model} cannot be used: {source}")]
    Tokenizer {
        /// The model.
        model: String,
        /// Why.
        source: ModelError,
    },
    /// Something was said of a model's answers that it has not.
    #[error("{what}, found {model}")]
    Answering {
        /// The model and its type.
        model: String,
        /// What can be said of which models.
        what: &'static str,
    },
    /// A part of a model is missing.
    #[error("model {model} has no {file}; expected a folder with {expected}")]
    MissingFile {
        /// The model.
        model: String,
        /// The missing file.
        file: String,
        /// What belongs into the folder.
        expected: &'static str,
    },
    /// Weights in a format that runs code when it is read.
    #[error(
        "model {model} has its weights in {file}, which may run any code when it is read; load it once in Python where you trust it and call save_pretrained(…, safe_serialization=True)"
    )]
    Pickled {
        /// The model.
        model: String,
        /// The file.
        file: &'static str,
    },
    /// A file cannot be read or written.
    #[error("cannot access {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A configuration file says something that cannot be.
    #[error("{file} of model {model} is not valid: {reason}")]
    Config {
        /// The model.
        model: String,
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// What is said of a teacher's file is not so.
    #[error("{}: {reason}", file.display())]
    Described {
        /// The description.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// A student was trained on another base than the one at hand.
    #[error(
        "student {student} was trained on base {base} with weights {expected}, but those found have {found}; use the base it was trained on"
    )]
    OtherBase {
        /// The student's folder.
        student: String,
        /// The base it names.
        base: String,
        /// Digest it was trained on.
        expected: String,
        /// Digest found.
        found: String,
    },
    /// No shipped model has that name.
    #[error("no built-in model {name:?}; there are {known}")]
    UnknownBuiltin {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// Shorthand.
pub(crate) type Result<T> = std::result::Result<T, SetupError>;
