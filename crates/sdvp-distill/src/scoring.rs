//! How well modules answer questions whose answers are known.

use crate::error::Result;
use crate::harvest::{Exercise, execute};
use crate::observer::Observer;
use sdvp_core::Module;
use std::sync::Arc;

/// The score of every exercise, in `[0, 1]`: 0 where the program fails or no answer is known.
pub(crate) fn scores_of(
    exercises: &[Exercise],
    modules: Vec<Arc<dyn Module>>,
    name: &str,
    observer: &dyn Observer,
) -> Result<Vec<f64>> {
    let mut scores = Vec::with_capacity(exercises.len());
    execute(exercises, modules, name, observer, |exercise, run| {
        scores.push(match (&exercise.gold, &run.result) {
            (Some(gold), Ok(value)) => gold.score(value),
            _ => 0.0,
        });
    })?;
    Ok(scores)
}

/// The exercises that `modules`, a task's teachers, answer rightly: where their answer contradicts
/// the known one, one of their labels must be wrong. Exercises without a known answer stay.
///
/// # Errors
/// If the modules cannot run together.
pub fn answered_rightly(
    exercises: &[Exercise],
    modules: Vec<Arc<dyn Module>>,
    observer: &dyn Observer,
) -> Result<Vec<Exercise>> {
    let scores = scores_of(exercises, modules, "labels against answers", observer)?;
    let kept = exercises.iter().zip(scores);
    let kept = kept.filter(|(exercise, score)| exercise.gold.is_none() || *score >= RIGHT);
    Ok(kept.map(|(exercise, _)| exercise.clone()).collect())
}

/// A score from here on is a right answer.
const RIGHT: f64 = 0.5;
