//! BLIP, which writes answers, and its sibling, which says whether a text describes a picture.

use super::{SquareNetwork, StudentNetwork};
use crate::student::demand::PassSizes;
use crate::student::early::layers_before;
use sdvp_models::architectures::{BlipAnswer, BlipConfig, BlipMatch};
use sdvp_models::params::Builder;
use sdvp_models::{Decoding, ImageProcessor, ModelError, Tokenizer};

impl StudentNetwork for BlipAnswer {
    type Config = BlipConfig;
    type Processor = ImageProcessor;
    const NAME: &'static str = "answer student, blip";
    const SAVED_AS: Option<(&'static str, &'static str)> =
        Some(("blip", "BlipForQuestionAnswering"));

    fn usual(_: Option<&str>) -> &'static str {
        BlipConfig::USUAL
    }

    fn build(config: &BlipConfig, b: &Builder) -> std::result::Result<Self, ModelError> {
        BlipAnswer::new(config, b)
    }

    fn settled(
        config: &BlipConfig,
        processor: ImageProcessor,
        tokenizer: Tokenizer,
    ) -> std::result::Result<(ImageProcessor, Tokenizer), ModelError> {
        // What begins an answer has a place, too.
        let (places, longest) = (
            config.text_config.max_position_embeddings,
            Decoding::default().longest,
        );
        match longest < places {
            true => Ok((processor, tokenizer)),
            false => Err(ModelError::Config(format!(
                "expected places for more than the {longest} tokens of an answer, found {places}"
            ))),
        }
    }

    fn sees(parameter: &str) -> bool {
        sees(parameter)
    }

    fn reads(parameter: &str) -> bool {
        parameter.starts_with(EMBEDDINGS)
    }

    fn untouched_layers(config: &BlipConfig, learning: &mut dyn Iterator<Item = &str>) -> usize {
        untouched_layers(config, learning)
    }

    fn pass_sizes(config: &BlipConfig) -> PassSizes {
        pass_sizes(config)
    }
}

impl StudentNetwork for BlipMatch {
    type Config = BlipConfig;
    type Processor = ImageProcessor;
    const NAME: &'static str = "match student, blip";
    const SAVED_AS: Option<(&'static str, &'static str)> =
        Some(("blip", "BlipForImageTextRetrieval"));

    fn usual(_: Option<&str>) -> &'static str {
        BlipConfig::USUAL
    }

    fn build(config: &BlipConfig, b: &Builder) -> std::result::Result<Self, ModelError> {
        BlipMatch::new(config, b)
    }

    fn sees(parameter: &str) -> bool {
        sees(parameter)
    }

    fn reads(parameter: &str) -> bool {
        parameter.starts_with(EMBEDDINGS)
    }

    fn untouched_layers(config: &BlipConfig, learning: &mut dyn Iterator<Item = &str>) -> usize {
        untouched_layers(config, learning)
    }

    fn pass_sizes(config: &BlipConfig) -> PassSizes {
        pass_sizes(config)
    }
}

const EMBEDDINGS: &str = "text_encoder.embeddings.";

/// Whatever looks at pictures, or at what was seen.
fn sees(parameter: &str) -> bool {
    parameter.starts_with("vision_model.")
        || parameter.starts_with("text_encoder.") && parameter.contains(".crossattention.")
}

fn untouched_layers(config: &BlipConfig, learning: &mut dyn Iterator<Item = &str>) -> usize {
    let layers = config.vision_config.encoder.num_hidden_layers;
    let before = ["vision_model.embeddings."];
    layers_before(learning, "vision_model.encoder.layers.", &before, layers)
}

fn pass_sizes(config: &BlipConfig) -> PassSizes {
    let (vision, text) = (&config.vision_config, &config.text_config);
    let patches = (vision.image_size / vision.patch_size.max(1)).pow(2);
    let tokens = 1 + patches;
    PassSizes {
        tokens,
        kept: tokens * vision.encoder.hidden_size,
        hidden: vision.encoder.hidden_size,
        inner: vision.encoder.intermediate_size,
        layers: vision.encoder.num_hidden_layers,
        // Each layer that reads makes keys and values of what was seen; the words themselves are few.
        after: 2 * tokens * text.encoder.num_hidden_layers * text.encoder.hidden_size,
    }
}

impl SquareNetwork for BlipAnswer {
    fn image_size(config: &BlipConfig) -> usize {
        config.vision_config.image_size
    }
}

impl SquareNetwork for BlipMatch {
    fn image_size(config: &BlipConfig) -> usize {
        config.vision_config.image_size
    }
}
