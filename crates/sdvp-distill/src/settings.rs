//! How to distil.

use sdvp_modules::TrainMethod;
use serde::{Deserialize, Serialize};

/// Settings of one step (one kind of sub-task).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSettings {
    /// Optimizer steps; 0 leaves the module as it is.
    pub steps: usize,
    /// Labelled calls in a batch.
    pub batch: usize,
    /// Rehearsed calls in a batch.
    pub rehearsed: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// λ: weight of staying what one was.
    pub lambda: f64,
    /// What is trained.
    #[serde(flatten)]
    pub method: TrainMethod,
}

/// Settings of a distillation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DistillSettings {
    /// Seed of batches and fresh weights.
    pub seed: u64,
    /// The first step: find.
    pub locate: StepSettings,
    /// The second step: answer.
    pub answer: StepSettings,
    /// A teacher's box counts as an object from this score on (frameworks believe boxes from 0.1
    /// on) …
    pub sure: f32,
    /// … and as nothing below this one; in between it is neither.
    pub unsure: f32,
    /// A teacher's answer is not learned below this probability.
    pub answer_confidence: f32,
}

impl Default for DistillSettings {
    fn default() -> Self {
        let locate = StepSettings {
            steps: 400,
            batch: 24,
            // More than are labelled: they alone hold the student to what it knew.
            rehearsed: 40,
            // A greater rate gains no more, but undoes the last, finest part of pretraining, of the
            // general styles too.
            learning_rate: 3e-4,
            lambda: 1.2,
            method: TrainMethod::Full,
        };
        Self {
            seed: 0,
            answer: StepSettings {
                rehearsed: 24,
                learning_rate: 3e-4,
                lambda: 0.6,
                ..locate.clone()
            },
            locate,
            sure: 0.18,
            unsure: 0.055,
            answer_confidence: 0.3,
        }
    }
}
