//! How pictures look, and which of them nothing is fitted to.

use rayon::prelude::*;
use sdvp_core::{Digest, Image};
use sdvp_modules::Appearance;
use std::collections::{BTreeMap, BTreeSet};

/// Appearances of distinct pictures of one side.
#[derive(Clone)]
pub(super) struct Looks {
    /// Those that weights are fitted to …
    pub(super) seen: Vec<Appearance>,
    /// … and those held out, to see how well others are told apart.
    held_out: Vec<(Digest, Appearance)>,
}

impl Looks {
    /// With fewer pictures nothing can be said of others.
    pub(super) const NEEDED: usize = 50;
    /// More are not looked at.
    const MOST: usize = 2000;
    /// One of so many is held out.
    const HELD_OUT: usize = 4;

    /// How pictures look. They come in the order of digests, whatever order they are found in.
    pub(super) fn of<'a>(pictures: impl IntoIterator<Item = &'a Image>) -> Self {
        let distinct = pictures.into_iter();
        let distinct: BTreeMap<Digest, &Image> = distinct
            .map(|picture| (picture.digest(), picture))
            .collect();
        let some: Vec<(Digest, &Image)> = distinct.into_iter().take(Self::MOST).collect();
        let mut looks: Vec<(Digest, Appearance)> = some
            .par_iter()
            .map(|(digest, picture)| (*digest, Appearance::of(picture.rgb())))
            .collect();
        let held_out = looks.split_off(looks.len() - looks.len() / Self::HELD_OUT);
        Self {
            seen: looks.into_iter().map(|(_, looks)| looks).collect(),
            held_out,
        }
    }

    /// Those, if they are enough to tell others by.
    pub(super) fn enough(self) -> Option<Self> {
        (self.seen.len() + self.held_out.len() >= Self::NEEDED).then_some(self)
    }

    /// Together with others.
    pub(super) fn with(mut self, others: &Self) -> Self {
        self.seen.extend_from_slice(&others.seen);
        self.held_out.extend_from_slice(&others.held_out);
        self
    }

    /// Of those held out, the part for which something is so.
    pub(super) fn share(&self, is: impl Fn(&Appearance) -> bool) -> f64 {
        part(self.held_out.iter().map(|(_, looks)| looks), is)
    }

    /// Of those held out that are among some pictures, the part for which something is so; none if they
    /// are too few to say.
    pub(super) fn share_among(
        &self,
        pictures: &BTreeSet<Digest>,
        is: impl Fn(&Appearance) -> bool,
    ) -> Option<f64> {
        let among = self.held_out.iter();
        let among = among.filter(|(digest, _)| pictures.contains(digest));
        let count = among.clone().count();
        let enough = count >= Self::NEEDED / Self::HELD_OUT;
        enough.then(|| part(among.map(|(_, looks)| looks), is))
    }

    /// Of all, fitted to or not, the part for which something is so.
    pub(super) fn share_of_all(&self, is: impl Fn(&Appearance) -> bool) -> f64 {
        let held_out = self.held_out.iter().map(|(_, looks)| looks);
        part(self.seen.iter().chain(held_out), is)
    }
}

fn part<'a>(looks: impl Iterator<Item = &'a Appearance>, is: impl Fn(&Appearance) -> bool) -> f64 {
    let (mut so, mut all) = (0usize, 0usize);
    for one in looks {
        so += usize::from(is(one));
        all += 1;
    }
    so as f64 / all.max(1) as f64
}
