//! Which texts a view is remembered with.

use super::AT_ONCE;
use crate::error::Result;
use candle_core::{DType, Device, Tensor};
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sdvp_core::{Digest, SubTask, View};
use sdvp_models::ModelError;
use std::collections::{BTreeSet, HashMap};

/// The distinct texts of calls.
pub(super) struct KnownTexts<'a> {
    texts: Vec<&'a str>,
}

/// A view, and the places of the texts that were asked of it.
pub(super) type AskedView = (View, BTreeSet<usize>);

/// The places of the known texts that some views are tried with: the columns of what is said of them.
pub(super) struct Tried {
    columns: Vec<usize>,
}

impl Tried {
    /// Columns of the texts to remember of a view: what was asked, the `others / 2` surest of the
    /// rest, and as many drawn.
    pub(super) fn chosen(
        &self,
        asked: &BTreeSet<usize>,
        surest: &[f32],
        others: usize,
        rng: &mut ChaCha8Rng,
    ) -> Vec<usize> {
        let (mut texts, mut rest): (Vec<usize>, Vec<usize>) =
            (0..self.columns.len()).partition(|&column| asked.contains(&self.columns[column]));
        rest.sort_by(|&a, &b| surest[b].total_cmp(&surest[a]));
        let shown = rest.len().min(others / 2);
        let silent = rest.split_off(shown);
        let drawn = silent.choose_multiple(rng, others - others / 2).copied();
        texts.extend(rest.into_iter().chain(drawn));
        texts
    }

    pub(super) fn name(&self, known: &KnownTexts, column: usize) -> String {
        known.texts[self.columns[column]].to_owned()
    }

    /// All of them.
    pub(super) fn names<'a>(&self, known: &KnownTexts<'a>) -> Vec<&'a str> {
        self.columns.iter().map(|&text| known.texts[text]).collect()
    }

    /// Their rows of what is known of all texts.
    pub(super) fn rows(&self, vectors: &Tensor) -> std::result::Result<Tensor, ModelError> {
        let rows: Vec<u32> = self.columns.iter().map(|&text| text as u32).collect();
        let rows = Tensor::from_vec(rows, self.columns.len(), vectors.device())?;
        Ok(vectors.index_select(&rows, 0)?)
    }
}

impl<'a> KnownTexts<'a> {
    pub(super) fn of(calls: &'a [SubTask]) -> Self {
        let mut texts: Vec<&str> = calls.iter().map(|call| call.text.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        Self { texts }
    }

    /// What `vectors` says of all texts, `[texts, width]`.
    pub(super) fn vectors(
        &self,
        vectors: impl Fn(&[&str]) -> std::result::Result<Tensor, ModelError>,
    ) -> std::result::Result<Tensor, ModelError> {
        let some = self
            .texts
            .chunks(AT_ONCE)
            .map(|texts| Ok(vectors(texts)?.detach()))
            .collect::<std::result::Result<Vec<_>, ModelError>>()?;
        Ok(match some.as_slice() {
            [] => Tensor::zeros((0, 1), DType::F32, &Device::Cpu)?,
            some => Tensor::cat(some, 0)?,
        })
    }

    fn place(&self, text: &str) -> Option<usize> {
        self.texts.binary_search(&text).ok()
    }

    /// Every view of the calls once, with what was asked of it, in chunks that are remembered side
    /// by side, each with its own generator.
    pub(super) fn by_view<R: Send>(
        &self,
        calls: &[SubTask],
        seed: u64,
        remember: impl Fn(&[AskedView], &mut ChaCha8Rng) -> std::result::Result<Vec<R>, ModelError>
        + Sync,
    ) -> Result<Vec<R>> {
        let mut places: HashMap<Digest, usize> = HashMap::new();
        let mut views: Vec<AskedView> = Vec::new();
        for call in calls {
            let place = *places.entry(call.view.digest()).or_insert_with(|| {
                views.push((call.view.clone(), BTreeSet::new()));
                views.len() - 1
            });
            if let Some(text) = self.place(&call.text) {
                views[place].1.insert(text);
            }
        }
        let remembered: Vec<Vec<R>> = views
            .par_chunks(AT_ONCE)
            .enumerate()
            .map(|(chunk, views)| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                rng.set_stream(chunk as u64);
                remember(views, &mut rng)
            })
            .collect::<std::result::Result<_, ModelError>>()?;
        Ok(remembered.into_iter().flatten().collect())
    }

    /// The texts to try some views with: what was asked of them, and `most` drawn of all.
    pub(super) fn tried(&self, views: &[AskedView], most: usize, rng: &mut ChaCha8Rng) -> Tried {
        let asked = views.iter().flat_map(|(_, asked)| asked.iter().copied());
        let drawn = rand::seq::index::sample(rng, self.texts.len(), self.texts.len().min(most));
        let columns: BTreeSet<usize> = asked.chain(drawn).collect();
        Tried {
            columns: columns.into_iter().collect(),
        }
    }
}
