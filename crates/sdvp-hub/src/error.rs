//! Why something could not be had from the hub, or is not in its cache.

use crate::id::ModelId;
use sdvp_core::Exceeded;
use std::path::PathBuf;
use std::time::Duration;

/// Why something could not be had from the hub, or is not in its cache.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// No name of a model.
    #[error("expected org/name or org/name@revision, found {found:?}: {reason}")]
    Name {
        /// What was said.
        found: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The environment says something that cannot be.
    #[error("{variable}: expected {expected}, found {found:?}")]
    Environment {
        /// The variable.
        variable: &'static str,
        /// What it may say.
        expected: &'static str,
        /// What it says.
        found: String,
    },
    /// Not downloaded yet, and nothing is to be downloaded now.
    #[error("{id} is not in the cache {}, and HF_HUB_OFFLINE forbids to download it", cache.display())]
    Offline {
        /// The model.
        id: ModelId,
        /// The cache.
        cache: PathBuf,
    },
    /// Not downloaded yet.
    #[error("{id} is not in the cache {}; `sdvp models pull {id}` downloads it", cache.display())]
    NotCached {
        /// The model.
        id: ModelId,
        /// The cache.
        cache: PathBuf,
    },
    /// Only for those who accepted its licence.
    #[error(
        "the hub gives {id} only to those who accepted its licence: accept it at {page}, and set HF_TOKEN to a token of that account ({sent}; the hub says: {said})"
    )]
    Gated {
        /// The model.
        id: ModelId,
        /// Where to accept.
        page: String,
        /// Whether a token was sent.
        sent: &'static str,
        /// The hub's own words.
        said: String,
    },
    /// Not for everyone, or not there; the hub does not say which.
    #[error(
        "the hub does not give {id} ({status}): there is none of that name, or it is private or gated and needs a token of an account that may see it, in HF_TOKEN ({sent}; the hub says: {said})"
    )]
    Denied {
        /// The model.
        id: ModelId,
        /// The HTTP status.
        status: u16,
        /// Whether a token was sent.
        sent: &'static str,
        /// The hub's own words.
        said: String,
    },
    /// Not there.
    #[error("{endpoint} has no {what} (404; it says: {said})")]
    NotFound {
        /// The hub.
        endpoint: String,
        /// What is missing, with repository and revision.
        what: String,
        /// The hub's own words.
        said: String,
    },
    /// A request that did not end well.
    #[error("expected success from {url}, found status {status} ({said})")]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's own words.
        said: String,
    },
    /// No answer.
    #[error("cannot reach {url}: {source}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// The connection broke while something came.
    #[error(
        "{url} broke off after {got} of {expected} bytes ({reason}); what came is kept, and the next pull goes on from there"
    )]
    BrokenOff {
        /// What was asked for.
        url: String,
        /// Bytes that came.
        got: u64,
        /// Bytes there are.
        expected: u64,
        /// Why.
        reason: String,
    },
    /// The hub asks for more patience than there is.
    #[error("{url} asks to wait {} s before the next request ({reason}); try again then", wait.as_secs())]
    Busy {
        /// What was asked for.
        url: String,
        /// How long it asks to wait.
        wait: Duration,
        /// Why.
        reason: String,
    },
    /// An answer that says something that cannot be.
    #[error("{url} answers in a way that is not understood: expected {expected}, found {found}")]
    Answer {
        /// What was asked for.
        url: String,
        /// What an answer would have.
        expected: &'static str,
        /// What it has.
        found: String,
    },
    /// Something that is larger than is allowed.
    #[error("{url} is too large: {exceeded}")]
    TooLarge {
        /// What was asked for.
        url: String,
        /// The limit.
        exceeded: Exceeded,
    },
    /// A download that is not what was announced.
    #[error(
        "{file} of {id} did not arrive as announced: expected {expected}, found {found}; nothing of it is kept"
    )]
    Damaged {
        /// The model.
        id: ModelId,
        /// The file.
        file: String,
        /// Size or digest announced.
        expected: String,
        /// What came.
        found: String,
    },
    /// A name that may lead out of the folder.
    #[error(
        "{id} has a file named {name:?}, which is no path inside the repository; it is not downloaded"
    )]
    FileName {
        /// The model.
        id: ModelId,
        /// The name.
        name: String,
    },
    /// Weights in a format that runs code when it is read.
    #[error(
        "{id} has its weights only in {file}, which may run any code when it is read, so it is not. {advice}"
    )]
    Pickled {
        /// The model.
        id: ModelId,
        /// The file.
        file: String,
        /// How to convert it.
        advice: String,
    },
    /// A repository that holds something else.
    #[error("{id} has no {missing}; found {found}")]
    NoCheckpoint {
        /// The model.
        id: ModelId,
        /// What a checkpoint has.
        missing: &'static str,
        /// Some of what it has.
        found: String,
    },
    /// The cache cannot be used.
    #[error("cannot {doing} {}: {source}{}", path.display(), advice(source))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// What helps against the usual reasons why a cache cannot be written.
fn advice(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; what came so far is kept: make room and pull again, or choose another place by HF_HOME"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotADirectory => {
            "; HF_HOME chooses another place for the cache"
        }
        _ => "",
    }
}

/// Shorthand.
pub(crate) type Result<T> = std::result::Result<T, HubError>;
