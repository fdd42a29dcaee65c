//! The image tower that CLIP and OWL-ViT have.

use crate::student::demand::PassSizes;
use crate::student::early::layers_before;
use sdvp_models::architectures::ImageTowerConfig;

/// [`StudentNetwork::untouched_layers`](super::StudentNetwork::untouched_layers) of an image tower, names without what comes before its path.
pub(super) fn tower_layers<'a>(
    config: &ImageTowerConfig,
    learning: impl Iterator<Item = &'a str>,
) -> usize {
    let before = [
        "vision_model.embeddings.",
        // As CLIP's checkpoints misspell it, too.
        "vision_model.pre_layernorm.",
        "vision_model.pre_layrnorm.",
    ];
    let layers = config.encoder.num_hidden_layers;
    layers_before(learning, "vision_model.encoder.layers.", &before, layers)
}

/// [`StudentNetwork::pass_sizes`](super::StudentNetwork::pass_sizes) of an image tower.
pub(super) fn tower_sizes(config: &ImageTowerConfig) -> PassSizes {
    let tokens = 1 + (config.image_size / config.patch_size.max(1)).pow(2);
    PassSizes {
        tokens,
        kept: tokens * config.encoder.hidden_size,
        hidden: config.encoder.hidden_size,
        inner: config.encoder.intermediate_size,
        layers: config.encoder.num_hidden_layers,
        after: 0,
    }
}
