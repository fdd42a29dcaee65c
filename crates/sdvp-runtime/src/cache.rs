//! Outcomes of earlier sub-tasks.

use lru::LruCache;
use sdvp_core::{Digest, Outcome};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Entries = LruCache<(Digest, Digest), Outcome>;

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

    pub(crate) fn get(&self, module: Digest, request: Digest) -> Option<Outcome> {
        lock(self.0.as_ref()?).get(&(module, request)).cloned()
    }

    pub(crate) fn put(&self, module: Digest, request: Digest, outcome: &Outcome) {
        if let Some(entries) = &self.0 {
            lock(entries).put((module, request), outcome.clone());
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
    use sdvp_core::AnswerOutcome;

    fn outcome(text: &str) -> Outcome {
        Outcome::Answer(AnswerOutcome::certain(text))
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let [module, a, b, c] = ["m", "a", "b", "c"].map(|t| Digest::of(t.as_bytes()));
        let cache = Cache::new(2);
        cache.put(module, a, &outcome("a"));
        cache.put(module, b, &outcome("b"));
        assert_eq!(cache.get(module, a), Some(outcome("a")));
        cache.put(module, c, &outcome("c"));
        assert_eq!(cache.get(module, b), None);
        assert_eq!(cache.get(module, a), Some(outcome("a")));
        assert_eq!(cache.get(a, a), None, "another module's outcome");
    }

    #[test]
    fn no_room_remembers_nothing() {
        let key = Digest::of(b"x");
        let cache = Cache::new(0);
        cache.put(key, key, &outcome("x"));
        assert_eq!(cache.get(key, key), None);
    }
}
