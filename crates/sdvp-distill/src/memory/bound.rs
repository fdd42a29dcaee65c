//! How much is remembered, and what is let go.

use sdvp_core::{Digest, Hasher};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Which calls stay when there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryPolicy {
    /// Every call alike.
    Reservoir,
    /// As many of every answer (of every kind of view), as far as there are.
    Balanced,
}

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryBound {
    /// Views that are searched, and as many that are compared with texts, of all tasks.
    pub views: usize,
    /// Questions, of all tasks.
    pub answers: usize,
    /// Pictures that they are about, of all tasks.
    pub pictures: usize,
    /// What is kept of more.
    pub policy: MemoryPolicy,
}

impl Default for MemoryBound {
    fn default() -> Self {
        Self {
            views: 9_000,
            answers: 9_000,
            pictures: 4_000,
            policy: MemoryPolicy::Reservoir,
        }
    }
}

/// Parts of `total` for groups of the given sizes: all the same, except that no group gets more
/// than it has; what it leaves goes to the others. The first groups get the remainder.
pub(super) fn fair_parts(sizes: &[usize], total: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    // The smallest take what they have; the greatest, and of equals the first, what remains.
    order.sort_by_key(|&group| (sizes[group], std::cmp::Reverse(group)));
    let mut parts = vec![0; sizes.len()];
    let mut left = total;
    for (done, &group) in order.iter().enumerate() {
        parts[group] = sizes[group].min(left / (sizes.len() - done));
        left -= parts[group];
    }
    parts
}

/// As [`fair_parts`], but the first group gets as much as two others, as far as it has: general calls
/// stand for everything that is never learned, of which there is more than of any one task.
pub(super) fn parts_for_tasks(sizes: &[usize], total: usize) -> Vec<usize> {
    let Some((&general, tasks)) = sizes.split_first() else {
        return Vec::new();
    };
    let halves = [general.div_ceil(2), general / 2];
    let sizes: Vec<usize> = halves.into_iter().chain(tasks.iter().copied()).collect();
    let parts = fair_parts(&sizes, total);
    let (halves, tasks) = parts.split_at(halves.len());
    std::iter::once(halves.iter().sum())
        .chain(tasks.iter().copied())
        .collect()
}

/// The place of a picture in the order in which pictures are let go; the last go first. The same for
/// all lists.
fn lot(picture: &Digest, seed: u64) -> Digest {
    Hasher::new("remembered")
        .part(&seed.to_le_bytes())
        .part(picture.as_bytes())
        .finish()
}

/// The `count` pictures that stay, of all that are given.
pub(super) fn staying(
    pictures: impl IntoIterator<Item = Digest>,
    count: usize,
    seed: u64,
) -> BTreeSet<Digest> {
    let pictures: BTreeSet<Digest> = pictures.into_iter().collect();
    let mut pictures: Vec<Digest> = pictures.into_iter().collect();
    pictures.sort_by_cached_key(|picture| lot(picture, seed));
    pictures.into_iter().take(count).collect()
}

/// Keeps `count` of `values`, in their order, as the policy says; `kind` says which are alike. Which
/// of them stay is drawn by picture, and alike for all lists: calls about one picture stay or go
/// together, so that few pictures have to be kept.
pub(super) fn thin<T, K: Ord>(
    values: &mut Vec<T>,
    count: usize,
    policy: MemoryPolicy,
    seed: u64,
    picture: impl Fn(&T) -> Digest,
    kind: impl Fn(&T) -> K,
) {
    if values.len() <= count {
        return;
    }
    let mut groups: BTreeMap<Option<K>, Vec<usize>> = BTreeMap::new();
    for (index, value) in values.iter().enumerate() {
        let kind = match policy {
            MemoryPolicy::Reservoir => None,
            MemoryPolicy::Balanced => Some(kind(value)),
        };
        groups.entry(kind).or_default().push(index);
    }
    let sizes: Vec<usize> = groups.values().map(Vec::len).collect();
    let mut kept = vec![false; values.len()];
    for (mut group, part) in groups.into_values().zip(fair_parts(&sizes, count)) {
        group.sort_by_cached_key(|&index| values.get(index).map(|it| lot(&picture(it), seed)));
        group.into_iter().take(part).for_each(|i| kept[i] = true);
    }
    let mut kept = kept.into_iter();
    values.retain(|_| kept.next().unwrap_or(false));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn balanced_keeps_what_is_rare_and_a_reservoir_what_is_common() {
        let values: Vec<u32> = (0..100).collect();
        let rare = |v: &u32| v.is_multiple_of(10);
        let kept = |policy| {
            let mut kept = values.clone();
            thin(&mut kept, 20, policy, 3, |v| Digest::of(&[*v as u8]), rare);
            assert_eq!(kept.len(), 20);
            assert!(kept.is_sorted());
            kept.into_iter().filter(rare).count()
        };
        assert_eq!(kept(MemoryPolicy::Balanced), 10);
        assert!(kept(MemoryPolicy::Reservoir) < 6);
    }

    #[test]
    fn calls_about_one_picture_stay_together() {
        let picture = |v: &u32| Digest::of(&[(*v / 4) as u8]);
        let kept = |values: std::ops::Range<u32>| {
            let mut kept: Vec<u32> = values.collect();
            thin(&mut kept, 20, MemoryPolicy::Reservoir, 3, picture, |_| ());
            kept.into_iter().map(|v| v / 4).collect::<BTreeSet<u32>>()
        };
        let pictures = kept(0..100);
        assert_eq!(pictures.len(), 5);
        // Another list about the same pictures keeps the same ones.
        assert_eq!(kept(0..100), pictures);
        let fewer = kept(0..50);
        assert!(
            pictures
                .iter()
                .filter(|p| **p < 12)
                .all(|p| fewer.contains(p))
        );
    }

    proptest! {
        #[test]
        fn general_calls_count_double(
            sizes in prop::collection::vec(0usize..50, 0..6),
            total in 0usize..200,
        ) {
            let parts = parts_for_tasks(&sizes, total);
            prop_assert_eq!(parts.len(), sizes.len());
            prop_assert_eq!(parts.iter().sum::<usize>(), total.min(sizes.iter().sum()));
            prop_assert!(parts.iter().zip(&sizes).all(|(part, size)| part <= size));
            if let Some((general, tasks)) = parts.split_first() {
                let most = tasks.iter().copied().max().unwrap_or(0);
                prop_assert!(*general + 2 >= 2 * most || *general == sizes[0]);
                let all_have_theirs = tasks == &sizes[1..];
                prop_assert!(*general <= 2 * most + 2 || all_have_theirs);
            }
        }

        #[test]
        fn parts_are_fair(sizes in prop::collection::vec(0usize..50, 1..8), total in 0usize..200) {
            let parts = fair_parts(&sizes, total);
            prop_assert_eq!(parts.iter().sum::<usize>(), total.min(sizes.iter().sum()));
            let most = parts.iter().copied().max().unwrap_or(0);
            for (part, size) in parts.iter().zip(&sizes) {
                prop_assert!(part <= size);
                // Who has less than the greatest part by more than a remainder has given all.
                prop_assert!(part + 1 >= most || part == size);
            }
        }
    }
}
