//! NLVR's and NLVR2's metrics (Suhr et al. 2017, 2019).

use super::OfficialError;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// What NLVR's and NLVR2's evaluation scripts print, in `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NlvrScores {
    /// Predictions that were scored.
    pub predictions: usize,
    /// The share of right ones; NLVR's scripts call it precision.
    pub accuracy: f64,
    /// Different sentences.
    pub sentences: usize,
    /// The share of sentences of which every prediction is right.
    pub consistency: f64,
}

/// Scores statements of NLVR2, identifiers with whether they are true. Those that differ only in the
/// third part of their identifier, the pair, are of one sentence.
///
/// # Errors
/// If a statement has no prediction, or an identifier fewer than three parts.
pub fn nlvr2<'a>(
    statements: impl IntoIterator<Item = (&'a str, bool)>,
    predictions: &HashMap<String, String>,
) -> Result<NlvrScores, OfficialError> {
    let mut tally = Tally::default();
    for (identifier, label) in statements {
        let mut parts: Vec<&str> = identifier.split('-').collect();
        let Some(pair) = parts.get_mut(2) else {
            return Err(OfficialError::Identifier {
                identifier: identifier.to_owned(),
                expected: "split-set-pair-sentence",
            });
        };
        *pair = "";
        tally.add(parts.join("-"), label, predicted(predictions, identifier)?);
    }
    tally.finish()
}

/// Scores statements of NLVR, one prediction each. Those with the same first part of their identifier
/// are of one sentence.
///
/// # Errors
/// If a statement has no prediction.
pub fn nlvr_statements<'a>(
    statements: impl IntoIterator<Item = (&'a str, bool)>,
    predictions: &HashMap<String, String>,
) -> Result<NlvrScores, OfficialError> {
    let mut tally = Tally::default();
    for (identifier, label) in statements {
        let predicted = predicted(predictions, identifier)?;
        tally.add(presentation(identifier), label, predicted);
    }
    tally.finish()
}

/// Scores statements of NLVR, six predictions each: one for every order of the boxes, by identifier and
/// number of the order (`1572-0-3`).
///
/// # Errors
/// If one of the six has no prediction.
pub fn nlvr_pictures<'a>(
    statements: impl IntoIterator<Item = (&'a str, bool)>,
    predictions: &HashMap<String, String>,
) -> Result<NlvrScores, OfficialError> {
    let of_each =
        |(identifier, label)| (0..6).map(move |order| (format!("{identifier}-{order}"), label));
    let pictures: Vec<(String, bool)> = statements.into_iter().flat_map(of_each).collect();
    let pictures = pictures
        .iter()
        .map(|(picture, label)| (picture.as_str(), *label));
    nlvr_statements(pictures, predictions)
}

fn presentation(identifier: &str) -> String {
    let first = identifier.split('-').next();
    first.unwrap_or_default().to_owned()
}

fn predicted<'a>(
    predictions: &'a HashMap<String, String>,
    identifier: &str,
) -> Result<&'a str, OfficialError> {
    let found = predictions.get(identifier);
    found
        .map(String::as_str)
        .ok_or_else(|| OfficialError::NoPrediction {
            question: identifier.to_owned(),
            for_what: "",
        })
}

/// Right predictions, and sentences with whether all of theirs are right.
#[derive(Default)]
struct Tally {
    right: usize,
    predictions: usize,
    sentences: BTreeMap<String, bool>,
}

impl Tally {
    fn add(&mut self, sentence: String, label: bool, predicted: &str) {
        let right = predicted.to_lowercase() == if label { "true" } else { "false" };
        self.predictions += 1;
        self.right += usize::from(right);
        *self.sentences.entry(sentence).or_insert(true) &= right;
    }

    fn finish(self) -> Result<NlvrScores, OfficialError> {
        if self.predictions == 0 {
            return Err(OfficialError::Empty);
        }
        let consistent = self.sentences.values().filter(|right| **right).count();
        Ok(NlvrScores {
            predictions: self.predictions,
            accuracy: self.right as f64 / self.predictions as f64,
            sentences: self.sentences.len(),
            consistency: consistent as f64 / self.sentences.len() as f64,
        })
    }
}
