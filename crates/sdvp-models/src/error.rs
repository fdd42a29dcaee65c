//! Why a network could not be built, loaded or trained.

use std::path::PathBuf;

/// Why a network could not be built, loaded or trained.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A tensor operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// Parameters that do not fit the network; every one is listed.
    #[error("the weights do not fit the network:{}", list(.0))]
    Parameters(Vec<String>),
    /// A file cannot be read or written.
    #[error("cannot access {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A weight file is damaged.
    #[error("{file} is not a safetensors file: {reason}")]
    Weights {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// Sizes that make no network, or inputs that do not fit it.
    #[error("{0}")]
    Config(String),
    /// The tokenizer.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// Image processing.
    #[error("image processing: {0}")]
    Image(String),
    /// A gradient that is no number.
    #[error("the gradient of {name} is not finite at step {step}; try a lower learning rate")]
    NotFinite {
        /// The first offending parameter.
        name: String,
        /// The optimizer step.
        step: usize,
    },
}

fn list(problems: &[String]) -> String {
    problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect()
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, ModelError>;
