//! Low-rank adaptation.

use serde::{Deserialize, Serialize};

/// Low-rank additions to linear layers (Hu et al. 2021, arXiv 2106.09685):
/// `y = W x + b + (alpha / rank) · B A x`, with `A` random and `B` zero at first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoraConfig {
    /// Rank of the addition.
    pub rank: usize,
    /// Its scale is `alpha / rank`.
    pub alpha: f32,
    /// Layers whose full name contains one of these are adapted.
    pub patterns: Vec<String>,
}

impl LoraConfig {
    /// Whether a layer is adapted.
    pub fn adapts(&self, layer: &str) -> bool {
        self.patterns.iter().any(|pattern| layer.contains(pattern.as_str()))
    }
}
