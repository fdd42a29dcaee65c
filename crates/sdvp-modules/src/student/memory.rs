//! What a student keeps from call to call.

use lru::LruCache;
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// The latest values by key; one of no entries remembers nothing.
pub(crate) struct Memory<K: Hash + Eq, V> {
    kept: Option<Mutex<Kept<K, V>>>,
    /// What may be kept in all, and what a value takes of it.
    most: usize,
    bytes_of: fn(&V) -> usize,
}

/// What is kept, and how much that is.
struct Kept<K: Hash + Eq, V> {
    values: LruCache<K, V>,
    bytes: usize,
}

impl<K: Hash + Ord + Clone + Send + Sync, V: Clone + Send> Memory<K, V> {
    pub(crate) fn new(entries: usize) -> Self {
        Self::within(entries, usize::MAX, |_| 0)
    }

    /// One that also keeps no more than `most` bytes, of which `bytes_of` says what a value takes.
    pub(crate) fn within(entries: usize, most: usize, bytes_of: fn(&V) -> usize) -> Self {
        let kept = NonZeroUsize::new(entries).map(|entries| {
            Mutex::new(Kept {
                values: LruCache::new(entries),
                bytes: 0,
            })
        });
        Self {
            kept,
            most,
            bytes_of,
        }
    }

    /// A value for every key: those remembered, and those that `compute` makes of the others. It
    /// is given at most `at_once` keys at a time, each key once and in a fixed order, so that
    /// batches are the same in every run; batches are computed in parallel.
    pub(crate) fn get_or_compute<E: Send>(
        &self,
        keys: impl Iterator<Item = K>,
        at_once: usize,
        compute: impl Fn(&[K]) -> Result<Vec<V>, E> + Sync,
    ) -> Result<HashMap<K, V>, E> {
        let mut known = HashMap::new();
        let mut missing = BTreeSet::new();
        for key in keys {
            match self.get(&key) {
                Some(value) => {
                    known.insert(key, value);
                }
                None => {
                    missing.insert(key);
                }
            }
        }
        let missing: Vec<K> = missing.into_iter().collect();
        let computed: Vec<Vec<V>> = missing
            .par_chunks(at_once.max(1))
            .map(&compute)
            .collect::<Result<_, E>>()?;
        for (key, value) in missing.into_iter().zip(computed.into_iter().flatten()) {
            self.put(&key, &value);
            known.insert(key, value);
        }
        Ok(known)
    }

    fn get(&self, key: &K) -> Option<V> {
        let kept = self.kept.as_ref()?;
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.values.get(key).cloned()
    }

    fn put(&self, key: &K, value: &V) {
        let Some(kept) = &self.kept else {
            return;
        };
        let bytes = (self.bytes_of)(value);
        if bytes > self.most {
            return;
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, replaced)) = kept.values.push(key.clone(), value.clone()) {
            kept.bytes -= (self.bytes_of)(&replaced);
        }
        kept.bytes += bytes;
        while kept.bytes > self.most {
            let Some((_, oldest)) = kept.values.pop_lru() else {
                break;
            };
            kept.bytes -= (self.bytes_of)(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Squares of the keys, and the batches in which they were computed.
    fn squares(memory: &Memory<u32, u32>, keys: &[u32]) -> (HashMap<u32, u32>, Vec<Vec<u32>>) {
        let batches = Mutex::new(Vec::new());
        let squares = memory.get_or_compute(keys.iter().copied(), 2, |keys| {
            batches.lock().unwrap().push(keys.to_vec());
            Ok::<_, ()>(keys.iter().map(|k| k * k).collect())
        });
        let mut batches = batches.into_inner().unwrap();
        batches.sort();
        (squares.unwrap(), batches)
    }

    #[test]
    fn computes_each_missing_key_once_and_in_order() {
        let memory = Memory::new(8);
        let (all, batches) = squares(&memory, &[5, 3, 5, 4]);
        assert_eq!(all, HashMap::from([(3, 9), (4, 16), (5, 25)]));
        assert_eq!(batches, [vec![3, 4], vec![5]]);
        let (all, batches) = squares(&memory, &[4, 6]);
        assert_eq!(all, HashMap::from([(4, 16), (6, 36)]));
        assert_eq!(batches, [vec![6]]);
    }

    #[test]
    fn forgets_what_does_not_fit_but_answers_all() {
        for (entries, again) in [(0, vec![vec![1, 2], vec![3]]), (2, vec![vec![1]])] {
            let memory = Memory::new(entries);
            squares(&memory, &[1, 2, 3]);
            let (all, batches) = squares(&memory, &[3, 2, 1]);
            assert_eq!(all.len(), 3);
            assert_eq!(batches, again, "{entries} entries");
        }
    }

    #[test]
    fn a_failure_is_passed_on_and_nothing_false_is_kept() {
        let memory: Memory<u32, u32> = Memory::new(4);
        let failed = memory.get_or_compute([1].into_iter(), 2, |_| Err("no"));
        assert_eq!(failed, Err("no"));
        assert_eq!(squares(&memory, &[1]).1, [vec![1]]);
    }

    #[test]
    fn no_more_bytes_are_kept_than_may_be_whatever_the_number_of_entries() {
        let memory = Memory::within(8, 100, |value: &u32| *value as usize);
        squares(&memory, &[5, 6]);
        // 25 + 36 + 49 is too much: the oldest goes.
        assert_eq!(squares(&memory, &[7]).1, [vec![7]]);
        assert_eq!(squares(&memory, &[6, 7]).1, Vec::<Vec<u32>>::new());
        assert_eq!(squares(&memory, &[5]).1, [vec![5]]);
        // What is too large by itself is answered, and takes nobody's place.
        assert_eq!(squares(&memory, &[11]).0[&11], 121);
        assert_eq!(squares(&memory, &[5, 7]).1, Vec::<Vec<u32>>::new());
        assert_eq!(squares(&memory, &[11]).1, [vec![11]]);
    }
}
