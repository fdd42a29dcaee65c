//! Qwen3-VL, which writes answers and learns by low-rank additions.

use super::StudentNetwork;
use crate::published::Prompting;
use crate::student::demand::PassSizes;
use sdvp_models::architectures::{Qwen3Vl, Qwen3VlConfig};
use sdvp_models::params::Builder;
use sdvp_models::{ModelError, PatchProcessor, Tokenizer};

/// Where the image encoder's parameters are.
const VISION: &str = "model.visual.";

impl StudentNetwork for Qwen3Vl {
    type Config = Qwen3VlConfig;
    type Processor = PatchProcessor;
    const NAME: &'static str = "answer student, qwen3-vl";
    const ADDITIONS_ONLY: bool = true;

    fn usual(_: Option<&str>) -> &'static str {
        "{}"
    }

    fn build(config: &Qwen3VlConfig, b: &Builder) -> std::result::Result<Self, ModelError> {
        Qwen3Vl::new(config, b)
    }

    fn settled(
        config: &Qwen3VlConfig,
        processor: PatchProcessor,
        tokenizer: Tokenizer,
    ) -> std::result::Result<(PatchProcessor, Tokenizer), ModelError> {
        let (vision, side) = (&config.vision, processor.patch as usize);
        if (side, processor.merge as usize) != (vision.patch, vision.merge) {
            return Err(ModelError::Config(format!(
                "expected patch_size {} and merge_size {} as in config.json, found {side} and {}",
                vision.patch, vision.merge, processor.merge
            )));
        }
        // A question that has a special word in it must not end its own turn.
        Ok((processor, tokenizer.without_special_words()))
    }

    fn sees(parameter: &str) -> bool {
        parameter.starts_with(VISION)
    }

    fn reads(parameter: &str) -> bool {
        parameter.starts_with("model.language_model.embed_tokens.")
    }

    /// All of the encoder's, or none: what it says of a picture is kept as a whole.
    fn untouched_layers(config: &Qwen3VlConfig, learning: &mut dyn Iterator<Item = &str>) -> usize {
        let mut learning = learning;
        match Iterator::any(&mut learning, |name| name.starts_with(VISION)) {
            true => 0,
            false => config.vision.layers,
        }
    }

    /// Of pictures as large as they may be.
    fn pass_sizes(config: &Qwen3VlConfig) -> PassSizes {
        let (vision, text) = (&config.vision, &config.text);
        let pixels = Prompting::default().most_pixels as usize;
        let patches = pixels / vision.patch.pow(2).max(1);
        let tokens = patches / vision.merge.pow(2).max(1);
        let widths = 25 * text.hidden + 5 * text.inner;
        PassSizes {
            tokens: patches,
            kept: (1 + vision.deepstack.len()) * tokens * text.hidden,
            hidden: vision.hidden,
            inner: vision.inner,
            layers: vision.layers,
            after: tokens * text.layers * widths,
        }
    }
}
