//! Where outcomes can be kept beyond one process: what such a place is asked, and given.

use crate::{Digest, Outcome};

/// What an outcome is known by: who answered what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutcomeKey {
    /// Fingerprint of the module ([`crate::Module::fingerprint`]): of everything that decides what it
    /// answers, so that a module that has learned meanwhile is another one.
    pub module: Digest,
    /// Identity of the request ([`crate::SubTask::key`]): of its kind, its picture's pixels, the region
    /// and the text.
    pub request: Digest,
}

/// What was found of several keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundOutcomes {
    /// What is known of each key, in the order of the keys.
    pub outcomes: Vec<Option<Outcome>>,
    /// Of entries that were there but cannot be what was once kept: what is wrong with each. Their keys
    /// count as unknown, and the entries are gone.
    pub refused: Vec<String>,
}

/// Why a cache cannot be used any further, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutcomeCacheError(pub String);

/// A place for outcomes that is slower than memory and outlives the process: so it is asked for many
/// at once, and given many at once. What it gives back is, bit for bit, what it was given.
pub trait OutcomeCache: Send + Sync {
    /// What is known of keys: as many outcomes as keys, in their order.
    ///
    /// # Errors
    /// If it cannot be read (any more).
    fn get(&self, keys: &[OutcomeKey]) -> Result<FoundOutcomes, OutcomeCacheError>;

    /// Keeps outcomes, as long as there is room, and says how many: some may be too large. Of a key that
    /// has one already either may stay.
    ///
    /// # Errors
    /// If it cannot be written (any more). Nothing of these is kept then.
    fn put(&self, outcomes: &[(OutcomeKey, Outcome)]) -> Result<usize, OutcomeCacheError>;
}
