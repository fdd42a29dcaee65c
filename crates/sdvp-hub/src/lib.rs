//! Published checkpoints from the Hugging Face hub: what of a repository is used here is downloaded
//! into the hub's own cache, in the layout in which Python's `huggingface_hub` keeps it, so that either
//! side finds what the other has pulled.

mod blob;
mod cache;
mod client;
mod conversion;
mod digest;
mod error;
mod files;
mod id;
pub mod limits;
mod patience;
mod place;
mod pull;
mod refusal;
mod settings;
mod url;

pub use cache::{Cache, CachedFile, Snapshot};
pub use error::HubError;
pub use id::{Commit, ModelId, RepositoryId, Revision};
pub use pull::{Pulled, PulledFile, pull};
pub use settings::Settings;

use std::time::Duration;

/// Who is told how a download goes on.
pub trait Watch {
    /// A file begins to come: its size in bytes, and how many of them came earlier.
    fn begin(&self, file: &str, bytes: u64, already: u64);
    /// So many bytes more of it are here.
    fn advance(&self, bytes: u64);
    /// It begins anew: what came earlier is of no use.
    fn restart(&self);
    /// It is whole.
    fn end(&self);
    /// Something failed that may go better after this time.
    fn wait(&self, reason: &str, time: Duration);
    /// Another process is downloading this file.
    fn queue(&self, file: &str);
}

/// Tells nobody.
pub struct Unwatched;

impl Watch for Unwatched {
    fn begin(&self, _: &str, _: u64, _: u64) {}
    fn advance(&self, _: u64) {}
    fn restart(&self) {}
    fn end(&self) {}
    fn wait(&self, _: &str, _: Duration) {}
    fn queue(&self, _: &str) {}
}
