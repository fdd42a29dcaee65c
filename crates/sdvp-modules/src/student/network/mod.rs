//! Networks that learn: what a [`StudentModel`](super::StudentModel) has to know of each.

mod blip;
mod clip;
mod owlvit;
mod qwen3_vl;
mod tower;
mod vilt;

use super::demand::PassSizes;
use sdvp_models::params::Builder;
use sdvp_models::{ImageProcessor, ModelError, Tokenizer};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A network that a [`StudentModel`] can be made of.
pub trait StudentNetwork: Sized {
    /// Its sizes.
    type Config: Clone + Serialize + DeserializeOwned;
    /// What makes its inputs of views.
    type Processor: Clone + Serialize + DeserializeOwned;
    /// Enters into fingerprints.
    const NAME: &'static str;
    /// What the configuration of a saved one says it is, `model_type` and architecture, where several
    /// networks may do the same; those that were there first say nothing.
    const SAVED_AS: Option<(&'static str, &'static str)> = None;
    /// Whether its own weights never learn, but stay as precise as they are stored, and low-rank additions
    /// stay apart from them.
    const ADDITIONS_ONLY: bool = false;

    /// What published configuration files of a `model_type` may leave out, as JSON text.
    fn usual(model_type: Option<&str>) -> &'static str;

    /// Builds the network from a builder's parameters.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    fn build(config: &Self::Config, b: &Builder) -> std::result::Result<Self, ModelError>;

    /// The processor and tokenizer as they are used for the network.
    ///
    /// # Errors
    /// If they do not fit it.
    fn settled(
        config: &Self::Config,
        processor: Self::Processor,
        tokenizer: Tokenizer,
    ) -> std::result::Result<(Self::Processor, Tokenizer), ModelError> {
        let _ = config;
        Ok((processor, tokenizer))
    }

    /// Whether pictures pass through a parameter, by its full name; the others read texts, or word
    /// what comes out.
    fn sees(parameter: &str) -> bool;

    /// Whether a text passes through a parameter before it meets a picture.
    fn reads(parameter: &str) -> bool;

    /// How many layers that pictures pass through come before the first that a learning parameter
    /// belongs to.
    fn untouched_layers(config: &Self::Config, learning: &mut dyn Iterator<Item = &str>) -> usize;

    /// Sizes of the encoder that pictures pass through.
    fn pass_sizes(config: &Self::Config) -> PassSizes;
}

/// A network whose inputs are squares.
pub trait SquareNetwork: StudentNetwork<Processor = ImageProcessor> {
    /// Their side, pixels.
    fn image_size(config: &Self::Config) -> usize;
}
