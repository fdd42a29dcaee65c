//! ViLT, which chooses among answers.

use super::{SquareNetwork, StudentNetwork};
use crate::student::demand::PassSizes;
use crate::student::early::layers_before;
use sdvp_models::architectures::{Vilt, ViltConfig};
use sdvp_models::params::Builder;
use sdvp_models::{ImageProcessor, ModelError};

impl StudentNetwork for Vilt {
    type Config = ViltConfig;
    type Processor = ImageProcessor;
    const NAME: &'static str = "answer student";

    fn usual(_: Option<&str>) -> &'static str {
        ViltConfig::USUAL
    }

    fn build(config: &ViltConfig, b: &Builder) -> std::result::Result<Self, ModelError> {
        Vilt::new(config, b)
    }

    fn sees(parameter: &str) -> bool {
        let words = [
            "vilt.embeddings.text_embeddings.",
            "vilt.pooler.",
            "classifier.",
        ];
        !words.iter().any(|part| parameter.starts_with(part))
    }

    fn reads(parameter: &str) -> bool {
        parameter.starts_with("vilt.embeddings.text_embeddings.")
    }

    fn untouched_layers(config: &ViltConfig, learning: &mut dyn Iterator<Item = &str>) -> usize {
        let layers = config.encoder.num_hidden_layers;
        layers_before(
            learning,
            "vilt.encoder.layer.",
            &["vilt.embeddings."],
            layers,
        )
    }

    fn pass_sizes(config: &ViltConfig) -> PassSizes {
        let patches = (config.image_size / config.patch_size.max(1)).pow(2);
        let tokens = config.max_position_embeddings + 1 + patches;
        PassSizes {
            tokens,
            kept: tokens * config.encoder.hidden_size,
            hidden: config.encoder.hidden_size,
            inner: config.encoder.intermediate_size,
            layers: config.encoder.num_hidden_layers,
            after: 0,
        }
    }
}

impl SquareNetwork for Vilt {
    fn image_size(config: &ViltConfig) -> usize {
        config.image_size
    }
}
