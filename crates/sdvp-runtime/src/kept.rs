//! A second cache behind the one in memory: slower, and there beyond this process.

use crate::guard::guarded;
use crate::statistics::Statistics;
use sdvp_core::{Outcome, OutcomeCache, OutcomeCacheError, OutcomeKey};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Outcomes that are written together.
const MANY: usize = 512;
/// How long outcomes wait for others to be written with.
const PATIENCE: Duration = Duration::from_secs(1);

/// A cache of outcomes beyond memory, for all runtimes of a process. A failure of it fails no run: the
/// reason is told once, none of them uses it again, and their statistics say so.
#[derive(Clone)]
pub struct KeptOutcomes(Arc<Shared>);

struct Shared {
    cache: Arc<dyn OutcomeCache>,
    failure: OnceLock<String>,
}

impl KeptOutcomes {
    /// Outcomes are looked up there, and kept there.
    pub fn new(cache: Arc<dyn OutcomeCache>) -> Self {
        Self(Arc::new(Shared {
            cache,
            failure: OnceLock::new(),
        }))
    }

    /// Why it is not used any more, if it has failed.
    pub fn failure(&self) -> Option<&str> {
        self.0.failure.get().map(String::as_str)
    }

    /// What `work` gives; nothing if it fails, or something has failed before.
    fn attempt<T>(
        &self,
        work: impl FnOnce(&dyn OutcomeCache) -> Result<T, OutcomeCacheError>,
    ) -> Option<T> {
        if self.failure().is_some() {
            return None;
        }
        let reason = match guarded(|| work(self.0.cache.as_ref())) {
            Ok(Ok(done)) => return Some(done),
            Ok(Err(error)) => error.to_string(),
            Err(message) => format!("it panicked: {message}"),
        };
        if self.0.failure.set(reason.clone()).is_ok() {
            tracing::warn!("the cache of outcomes is not used any further: {reason}");
        }
        None
    }
}

impl PartialEq for KeptOutcomes {
    /// Whether both are the same place.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for KeptOutcomes {}

impl fmt::Debug for KeptOutcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptOutcomes")
            .field("failure", &self.failure())
            .finish_non_exhaustive()
    }
}

/// How one run uses such a cache, if there is one.
pub(crate) struct SecondLevel<'a> {
    kept: Option<&'a KeptOutcomes>,
    /// Keys that were asked for in vain and are still waited for; they are not asked for again.
    unknown: HashSet<OutcomeKey>,
    /// What is to be written next.
    fresh: Vec<(OutcomeKey, Outcome)>,
    written: Instant,
}

impl<'a> SecondLevel<'a> {
    pub(crate) fn new(kept: Option<&'a KeptOutcomes>) -> Self {
        Self {
            kept,
            unknown: HashSet::new(),
            fresh: Vec::new(),
            written: Instant::now(),
        }
    }

    /// What is known of keys that memory does not have, each asked for once.
    pub(crate) fn look_up(
        &mut self,
        keys: impl Iterator<Item = OutcomeKey>,
        spent: &mut Statistics,
    ) -> HashMap<OutcomeKey, Outcome> {
        let mut known = HashMap::new();
        let Some(kept) = self.kept else {
            return known;
        };
        let asked: Vec<OutcomeKey> = keys.filter(|key| self.unknown.insert(*key)).collect();
        if asked.is_empty() {
            return known;
        }
        let found = kept.attempt(|cache| {
            let found = cache.get(&asked)?;
            if found.outcomes.len() == asked.len() {
                return Ok(found);
            }
            let (expected, given) = (asked.len(), found.outcomes.len());
            let reason = format!("expected an answer to each of {expected} keys, found {given}");
            Err(OutcomeCacheError(reason))
        });
        let Some(found) = found else {
            spent.disk_unasked += asked.len();
            self.note_failure(spent);
            return known;
        };
        if let Some(first) = found.refused.first() {
            spent.disk_refused += found.refused.len();
            tracing::warn!(
                "{} kept outcomes are damaged; they are computed again. The first: {first}",
                found.refused.len()
            );
        }
        for (key, outcome) in asked.into_iter().zip(found.outcomes) {
            if let Some(outcome) = outcome {
                self.unknown.remove(&key);
                known.insert(key, outcome);
            }
        }
        known
    }

    /// Takes note of what a module answered; `None` if it failed, or answered something else than it
    /// was asked: that is not kept.
    pub(crate) fn answered(&mut self, key: OutcomeKey, outcome: Option<&Outcome>) {
        let Some(kept) = self.kept else {
            return;
        };
        self.unknown.remove(&key);
        if let (Some(outcome), None) = (outcome, kept.failure()) {
            self.fresh.push((key, outcome.clone()));
        }
    }

    /// Writes what is new, if it is much or has waited long.
    pub(crate) fn write_if_due(&mut self, spent: &mut Statistics) {
        if self.fresh.len() >= MANY || self.written.elapsed() >= PATIENCE {
            self.write(spent);
        }
    }

    /// Writes what is new.
    pub(crate) fn write(&mut self, spent: &mut Statistics) {
        self.written = Instant::now();
        let fresh = std::mem::take(&mut self.fresh);
        let Some(kept) = self.kept.filter(|_| !fresh.is_empty()) else {
            return;
        };
        match kept.attempt(|cache| cache.put(&fresh)) {
            Some(written) => spent.disk_written += written,
            None => self.note_failure(spent),
        }
    }

    fn note_failure(&self, spent: &mut Statistics) {
        let failure = self.kept.and_then(KeptOutcomes::failure);
        spent.disk_failure = failure.map(str::to_owned);
    }
}
