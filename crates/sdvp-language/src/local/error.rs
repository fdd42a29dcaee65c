//! Why a model in a file cannot be used.

use std::path::PathBuf;

/// Why a model in a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is no GGUF file, or one that is cut off or lies about itself.
    #[error("{}: byte {at}: {message}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The place.
        at: u64,
        /// What was expected and found.
        message: String,
    },
    /// It holds something that cannot be run here.
    #[error("{}: {message}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        message: String,
    },
    /// The conversation leaves no room for an answer.
    #[error(
        "the conversation has {prompt} tokens, the model takes {context} with its answer; shorten it or give fewer examples"
    )]
    Context {
        /// Tokens of the conversation.
        prompt: usize,
        /// Tokens that the model takes.
        context: usize,
    },
    /// No program fits into the tokens that may be written.
    #[error("the shortest program has {needed} tokens, only {given} may be written; allow more")]
    TooFewTokens {
        /// Tokens of the shortest program.
        needed: usize,
        /// Tokens that may be written.
        given: usize,
    },
    /// The sampling cannot be done.
    #[error("{name}: expected {expected}, found {found}")]
    Sampling {
        /// Which figure.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: f64,
    },
    /// No program can be written over these pictures.
    #[error(transparent)]
    Pictures(#[from] sdvp_program::visprog::prefix::PicturesError),
    /// A text could not be cut into tokens.
    #[error("the text could not be cut into tokens: {0}")]
    Tokens(String),
    /// The network gave nothing that can be used.
    #[error("the network failed: {0}")]
    Network(#[from] candle_core::Error),
}
