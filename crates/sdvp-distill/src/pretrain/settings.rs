//! How long and how fast to pretrain.

use serde::{Deserialize, Serialize};

/// Settings of one pretraining run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PretrainSettings {
    /// Seed of weights, scenes and batches.
    pub seed: u64,
    /// Optimizer steps.
    pub steps: usize,
    /// Images (or questions) in a batch.
    pub batch: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
}
