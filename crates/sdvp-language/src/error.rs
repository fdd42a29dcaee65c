//! What can go wrong with a language model.

/// Why a language model wrote nothing.
#[derive(Debug, thiserror::Error)]
pub enum LanguageError {
    /// A model in a file cannot be used.
    #[error(transparent)]
    Local(#[from] crate::local::LocalError),
}
