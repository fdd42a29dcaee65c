//! What adapters ask of a teacher's network: the things that views show.

use super::{Sighting, Vocabulary};
use sdvp_core::{Digest, Module, Outcome, SubTask, View};
use sdvp_models::{Calibration, ModelError};
use std::collections::HashMap;

/// A network that sees things of a closed vocabulary. A classifier sees one, which is the whole
/// view.
pub trait Detector: Send + Sync {
    /// The words it knows.
    fn vocabulary(&self) -> &Vocabulary;

    /// How its probabilities become scores.
    fn believed(&self) -> Calibration;

    /// Number of scalars of its network.
    fn parameters(&self) -> usize;

    /// Identity of weights and settings.
    fn fingerprint(&self) -> Digest;

    /// What it sees in each view, best first.
    ///
    /// # Errors
    /// If a view cannot be prepared, or the network fails.
    fn sightings(&self, views: &[&View]) -> Result<Vec<Vec<Sighting>>, ModelError>;
}

/// What a detector sees in the views of a batch, each distinct view looked at once; in the batch's
/// order, as indices into the second list.
pub(super) fn sightings_of(
    detector: &dyn Detector,
    views: &[&View],
) -> Result<(Vec<usize>, Vec<Vec<Sighting>>), ModelError> {
    let mut places: HashMap<Digest, usize> = HashMap::new();
    let mut distinct: Vec<&View> = Vec::new();
    let order = views
        .iter()
        .map(|view| {
            *places.entry(view.digest()).or_insert_with(|| {
                distinct.push(view);
                distinct.len() - 1
            })
        })
        .collect();
    Ok((order, detector.sightings(&distinct)?))
}

/// A teacher's labels: its answers to the calls whose words its detector knows.
pub(super) fn known_only(
    teacher: &dyn Module,
    words: &Vocabulary,
    batch: &[SubTask],
) -> Vec<Option<Outcome>> {
    let known: Vec<bool> = batch.iter().map(|task| words.knows(&task.text)).collect();
    let asked: Vec<SubTask> = batch
        .iter()
        .zip(&known)
        .filter(|(_, known)| **known)
        .map(|(task, _)| task.clone())
        .collect();
    let mut outcomes = teacher.run(&asked).into_iter();
    let mut label = |known: bool| {
        let outcome = if known { outcomes.next()? } else { return None };
        let failed = |error: &_| tracing::warn!("a call is not labelled: {error}");
        outcome.inspect_err(failed).ok()
    };
    known.into_iter().map(&mut label).collect()
}
