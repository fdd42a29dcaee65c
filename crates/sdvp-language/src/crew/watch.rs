//! Who is told how it goes.

use crate::LanguageError;
use std::path::Path;
use std::time::Duration;

/// Is told how asking goes, from several threads.
pub trait Watch: Sync {
    /// A question is done, well or not.
    fn done(&self) {}

    /// Something failed and is tried again after a pause.
    fn waiting(&self, _reason: &str, _pause: Duration) {}

    /// A kept answer is damaged, and is asked for again.
    fn damaged(&self, _file: &Path) {}

    /// An answer could not be kept; it is used, but nothing more is asked.
    fn unkept(&self, _error: &LanguageError) {}
}

/// Nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {}
