//! OWL-ViT and OWLv2, which locate.

use super::tower::{tower_layers, tower_sizes};
use super::{SquareNetwork, StudentNetwork};
use crate::student::demand::PassSizes;
use sdvp_models::architectures::{OwlVit, OwlVitConfig};
use sdvp_models::params::Builder;
use sdvp_models::{ImageProcessor, ModelError};

impl StudentNetwork for OwlVit {
    type Config = OwlVitConfig;
    type Processor = ImageProcessor;
    const NAME: &'static str = "locate student";

    fn usual(model_type: Option<&str>) -> &'static str {
        match model_type {
            Some("owlv2") => OwlVitConfig::USUAL_V2,
            _ => OwlVitConfig::USUAL,
        }
    }

    fn build(config: &OwlVitConfig, b: &Builder) -> std::result::Result<Self, ModelError> {
        OwlVit::new(config, b)
    }

    fn sees(parameter: &str) -> bool {
        ["owlvit.vision_model.", "owlv2.vision_model.", "layer_norm."]
            .iter()
            .any(|part| parameter.starts_with(part))
    }

    fn reads(parameter: &str) -> bool {
        [".text_model.", ".text_projection."]
            .iter()
            .any(|part| parameter.contains(part))
    }

    fn untouched_layers(config: &OwlVitConfig, learning: &mut dyn Iterator<Item = &str>) -> usize {
        // Whichever generation: the path after its name.
        let learning = learning.filter_map(|name| Some(name.split_once('.')?.1));
        tower_layers(&config.vision_config, learning)
    }

    fn pass_sizes(config: &OwlVitConfig) -> PassSizes {
        tower_sizes(&config.vision_config)
    }
}

impl SquareNetwork for OwlVit {
    fn image_size(config: &OwlVitConfig) -> usize {
        config.vision_config.image_size
    }
}
