//! Outcomes of earlier sub-tasks.

use lru::LruCache;
use sdvp_core::{Outcome, OutcomeKey};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Entries = LruCache<OutcomeKey, Outcome>;

/// Outcomes by module fingerprint and request, so that a module whose weights changed is never
/// mistaken for what it was. Forgets the least recently used first.
pub(crate) struct Cache(Option<Mutex<Entries>>);

impl Cache {
    /// Room for so many outcomes; 0 remembers nothing.
    pub(crate) fn new(entries: usize) -> Self {
        // Grows as it fills: a map of the full size would cost memory in every short run.
        Self(NonZeroUsize::new(entries).map(|limit| {
            let mut cache = LruCache::unbounded();
            cache.resize(limit);
            Mutex::new(cache)
        }))
    }

    pub(crate) fn get(&self, key: &OutcomeKey) -> Option<Outcome> {
        lock(self.0.as_ref()?).get(key).cloned()
    }

    pub(crate) fn put(&self, key: OutcomeKey, outcome: &Outcome) {
        if let Some(entries) = &self.0 {
            lock(entries).put(key, outcome.clone());
        }
    }
}

/// An entry is written whole or not at all, so the map is sound even after a panic elsewhere.
fn lock(entries: &Mutex<Entries>) -> MutexGuard<'_, Entries> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{AnswerOutcome, Digest};

    fn outcome(text: &str) -> Outcome {
        Outcome::Answer(AnswerOutcome::certain(text))
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let [module, a, b, c] = ["m", "a", "b", "c"].map(|t| Digest::of(t.as_bytes()));
        let of = |module, request| OutcomeKey { module, request };
        let [key_a, key_b, key_c] = [a, b, c].map(|request| of(module, request));
        let cache = Cache::new(2);
        cache.put(key_a, &outcome("a"));
        cache.put(key_b, &outcome("b"));
        assert_eq!(cache.get(&key_a), Some(outcome("a")));
        cache.put(key_c, &outcome("c"));
        assert_eq!(cache.get(&key_b), None);
        assert_eq!(cache.get(&key_a), Some(outcome("a")));
        assert_eq!(cache.get(&of(a, a)), None, "another module's outcome");
    }

    #[test]
    fn no_room_remembers_nothing() {
        let [module, request] = [Digest::of(b"m"), Digest::of(b"x")];
        let key = OutcomeKey { module, request };
        let cache = Cache::new(0);
        cache.put(key, &outcome("x"));
        assert_eq!(cache.get(&key), None);
    }
}
