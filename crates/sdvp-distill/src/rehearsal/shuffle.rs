//! The order in which examples come.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// An endless shuffled walk over `0..count`: every index once before any comes again.
pub(crate) struct Shuffle {
    order: Vec<usize>,
    next: usize,
    rng: ChaCha8Rng,
}

impl Shuffle {
    pub(crate) fn new(count: usize, seed: u64) -> Self {
        let order = (0..count).collect();
        Self {
            order,
            next: count,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The next `wanted` of the values this walks over.
    pub(crate) fn of<'a, T>(&mut self, values: &'a [T], wanted: usize) -> Vec<&'a T> {
        self.take(wanted).into_iter().map(|i| &values[i]).collect()
    }

    /// The next `wanted` indices; none if there are none at all.
    pub(crate) fn take(&mut self, wanted: usize) -> Vec<usize> {
        if self.order.is_empty() {
            return Vec::new();
        }
        (0..wanted)
            .map(|_| {
                if self.next == self.order.len() {
                    for i in (1..self.order.len()).rev() {
                        self.order.swap(i, self.rng.random_range(0..=i));
                    }
                    self.next = 0;
                }
                self.next += 1;
                self.order[self.next - 1]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Shuffle;

    #[test]
    fn every_index_comes_once_an_epoch() {
        let mut shuffle = Shuffle::new(7, 3);
        for _ in 0..4 {
            let mut epoch = shuffle.take(7);
            epoch.sort_unstable();
            assert_eq!(epoch, [0, 1, 2, 3, 4, 5, 6]);
        }
        assert!(Shuffle::new(0, 1).take(3).is_empty());
        assert_eq!(Shuffle::new(9, 5).take(20), Shuffle::new(9, 5).take(20));
    }
}
