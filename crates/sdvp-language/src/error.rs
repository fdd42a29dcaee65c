//! What can go wrong with a language model.

use crate::local::LocalError;
use sdvp_core::{Digest, Exceeded};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Why a language model wrote nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LanguageError {
    /// A model in a file cannot be used.
    #[error(transparent)]
    Local(Arc<LocalError>),
    /// A setting that cannot be.
    #[error("{setting}: expected {expected}, found {found:?}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A key that cannot be sent. What it is is never shown.
    #[error("{variable}: expected a key of visible letters without blanks, found something else")]
    Key {
        /// The environment's variable.
        variable: String,
    },
    /// The endpoint wants a key, or another one.
    #[error("{url} refuses the request ({status}; {key}; it says: {said})")]
    Denied {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Whether a key was sent, and which variable it is read from.
        key: String,
        /// The server's own words.
        said: String,
    },
    /// The endpoint knows no such model, or there is no endpoint.
    #[error(
        "{url} has no model {model:?}, or is no OpenAI-compatible endpoint (404; it says: {said}); the base address usually ends in /v1"
    )]
    NotFound {
        /// What was asked.
        url: String,
        /// The model.
        model: String,
        /// The server's own words.
        said: String,
    },
    /// The endpoint does not take what was asked.
    #[error("{url} does not take the request ({status}; it says: {said})")]
    Refused {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's own words.
        said: String,
    },
    /// The endpoint wants to be asked elsewhere, where the key must not go.
    #[error(
        "{url} sends elsewhere ({status}, to {to}), which is not followed: give the address itself"
    )]
    Redirected {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Where it sends.
        to: String,
    },
    /// The endpoint is busy or broken for now.
    #[error("{url} cannot answer now ({status}; it says: {said})")]
    Busy {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's own words.
        said: String,
        /// In how much time it asks to come again.
        after: Option<Duration>,
    },
    /// Nothing listens there. Where there were answers before, something may again.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The answer took too long.
    #[error("{url} did not answer in time ({reason})")]
    TimedOut {
        /// What was asked.
        url: String,
        /// Which time was too short.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection to {url} broke: {reason}")]
    Disconnected {
        /// What was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// An answer that cannot be read.
    #[error("{url} answers in a way that is not understood: expected {expected}, found {found}")]
    Answer {
        /// What was asked.
        url: String,
        /// What an answer has.
        expected: &'static str,
        /// What it has.
        found: String,
        /// Whether the same request would be answered in the same way.
        lasting: bool,
        /// Tokens read, as far as it says.
        prompt_tokens: usize,
        /// Tokens written, as far as it says.
        completion_tokens: usize,
    },
    /// An answer that is larger than is allowed.
    #[error("{url} answers with too much: {exceeded}")]
    TooLarge {
        /// What was asked.
        url: String,
        /// The limit.
        exceeded: Exceeded,
    },
    /// There is no kept answer, and nothing is to be asked.
    #[error(
        "no answer to this conversation is kept (entry {}), and nothing is to be asked while offline", key.short()
    )]
    Offline {
        /// The key of the conversation.
        key: Digest,
    },
    /// A budget is used up.
    #[error("the budget of {limit} {what} is used up ({spent} spent); nothing more is asked")]
    Budget {
        /// Requests or tokens.
        what: &'static str,
        /// The budget.
        limit: u64,
        /// What was spent of it.
        spent: u64,
    },
    /// It was tried often enough.
    #[error("given up after {tries} tries: {last}")]
    GivenUp {
        /// How often.
        tries: u32,
        /// Why the last one failed.
        last: Box<LanguageError>,
    },
    /// A server asks for more patience than there is.
    #[error("{reason}; it asks to wait {} s, which is longer than {} s", wait.as_secs(), longest.as_secs())]
    TooLong {
        /// How long it asks to wait.
        wait: Duration,
        /// How long is waited at most.
        longest: Duration,
        /// Why.
        reason: String,
    },
    /// Another question met a failure that this one would meet, too.
    #[error("not asked, because another question failed in a way that every one would: {first}")]
    Stopped {
        /// That failure.
        first: Box<LanguageError>,
    },
    /// Kept answers cannot be read or written.
    #[error("cannot {doing} {}: {reason}", path.display())]
    Journal {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
}

impl LanguageError {
    /// Whether the same request may go better in a while.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::TimedOut { .. }
                | Self::Disconnected { .. }
                | Self::Answer { lasting: false, .. }
        )
    }

    /// Tokens read and written for nothing, as far as the server says.
    pub fn tokens(&self) -> (usize, usize) {
        match self {
            Self::Answer {
                prompt_tokens,
                completion_tokens,
                ..
            } => (*prompt_tokens, *completion_tokens),
            _ => (0, 0),
        }
    }

    /// Whether it says that too much is asked at once.
    pub fn is_crowding(&self) -> bool {
        matches!(
            self,
            Self::Busy {
                status: 429 | 503,
                ..
            } | Self::TimedOut { .. }
        )
    }

    /// Whether every other question would meet it, too.
    pub fn is_everyones(&self) -> bool {
        match self {
            Self::GivenUp { last, .. } => last.is_everyones(),
            Self::Setting { .. }
            | Self::Key { .. }
            | Self::Denied { .. }
            | Self::NotFound { .. }
            | Self::Redirected { .. }
            | Self::Unreachable { .. }
            | Self::TooLong { .. }
            | Self::Journal { .. } => true,
            _ => false,
        }
    }

    /// In how much time the server asks to come again, if it does.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Busy { after, .. } => *after,
            _ => None,
        }
    }
}

impl From<LocalError> for LanguageError {
    fn from(error: LocalError) -> Self {
        Self::Local(Arc::new(error))
    }
}
