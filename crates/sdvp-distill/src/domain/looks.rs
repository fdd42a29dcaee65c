//! How pictures look, and which of them nothing is fitted to.

use rayon::prelude::*;
use sdvp_core::{Digest, Image};
use sdvp_modules::Appearance;
use std::collections::BTreeMap;

/// Appearances of distinct pictures of one side.
#[derive(Clone)]
pub(super) struct Looks {
    /// Those that weights are fitted to …
    pub(super) seen: Vec<Appearance>,
    /// … and those held out, to see how well others are told apart.
    pub(super) held_out: Vec<Appearance>,
}

impl Looks {
    /// With fewer pictures nothing can be said of others.
    pub(super) const NEEDED: usize = 50;
    /// More are not looked at.
    const MOST: usize = 2000;
    /// One of so many is held out.
    const HELD_OUT: usize = 4;

    /// How pictures look; none if there are too few. They come in the order of digests, whatever order
    /// they are found in.
    pub(super) fn of<'a>(pictures: impl IntoIterator<Item = &'a Image>) -> Option<Self> {
        let distinct = pictures.into_iter();
        let distinct: BTreeMap<Digest, &Image> = distinct
            .map(|picture| (picture.digest(), picture))
            .collect();
        let some: Vec<&Image> = distinct.into_values().take(Self::MOST).collect();
        if some.len() < Self::NEEDED {
            return None;
        }
        let mut seen: Vec<Appearance> = some
            .par_iter()
            .map(|picture| Appearance::of(picture.rgb()))
            .collect();
        let held_out = seen.split_off(seen.len() - seen.len() / Self::HELD_OUT);
        Some(Self { seen, held_out })
    }

    /// Together with others.
    pub(super) fn with(mut self, others: &Self) -> Self {
        self.seen.extend_from_slice(&others.seen);
        self.held_out.extend_from_slice(&others.held_out);
        self
    }

    /// Of those held out, the part for which something is so.
    pub(super) fn share(&self, is: impl Fn(&Appearance) -> bool) -> f64 {
        let so = self.held_out.iter().filter(|one| is(one)).count();
        so as f64 / self.held_out.len().max(1) as f64
    }
}
