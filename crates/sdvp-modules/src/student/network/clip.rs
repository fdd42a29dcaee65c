//! CLIP, which compares pictures with texts.

use super::tower::{tower_layers, tower_sizes};
use super::{SquareNetwork, StudentNetwork};
use crate::student::demand::PassSizes;
use sdvp_models::architectures::{Clip, ClipConfig};
use sdvp_models::params::Builder;
use sdvp_models::{ImageProcessor, ModelError};

impl StudentNetwork for Clip {
    type Config = ClipConfig;
    type Processor = ImageProcessor;
    const NAME: &'static str = "match student";

    fn usual(_: Option<&str>) -> &'static str {
        ClipConfig::USUAL
    }

    fn build(config: &ClipConfig, b: &Builder) -> std::result::Result<Self, ModelError> {
        Clip::new(config, b)
    }

    fn sees(parameter: &str) -> bool {
        ["vision_model.", "visual_projection."]
            .iter()
            .any(|part| parameter.starts_with(part))
    }

    fn reads(parameter: &str) -> bool {
        ["text_model.", "text_projection."]
            .iter()
            .any(|part| parameter.starts_with(part))
    }

    fn untouched_layers(config: &ClipConfig, learning: &mut dyn Iterator<Item = &str>) -> usize {
        tower_layers(&config.vision_config, learning)
    }

    fn pass_sizes(config: &ClipConfig) -> PassSizes {
        tower_sizes(&config.vision_config)
    }
}

impl SquareNetwork for Clip {
    fn image_size(config: &ClipConfig) -> usize {
        config.vision_config.image_size
    }
}
