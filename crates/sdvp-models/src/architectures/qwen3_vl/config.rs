//! Sizes of a Qwen3-VL.

use super::config_file::ConfigFile;
use crate::layers::Activation;
use serde::{Deserialize, Serialize};

/// Sizes of the whole network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ConfigFile")]
pub struct Qwen3VlConfig {
    /// The text decoder.
    pub text: Qwen3VlTextConfig,
    /// The image encoder.
    pub vision: Qwen3VlVisionConfig,
    /// Whether words are written with the vectors they are read with.
    pub tied: bool,
}

/// Sizes of the text decoder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Qwen3VlTextConfig {
    /// Number of token ids.
    pub vocabulary: usize,
    /// Width of a token.
    pub hidden: usize,
    /// Width inside of the feed-forward parts.
    pub inner: usize,
    /// Number of layers.
    pub layers: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; each is looked at by as many of queries.
    pub key_heads: usize,
    /// Width of a head.
    pub head: usize,
    /// Activation of the feed-forward parts.
    pub activation: Activation,
    /// The number added before a root is drawn.
    pub eps: f64,
    /// Longest text, tokens.
    pub longest: usize,
    /// Base of the angles that stand for places.
    pub rope_base: f64,
    /// Angles that stand for time, height and width.
    pub sections: [usize; 3],
}

/// Sizes of the image encoder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Qwen3VlVisionConfig {
    /// Width of a patch's state.
    pub hidden: usize,
    /// Width inside of the feed-forward parts.
    pub inner: usize,
    /// Number of layers.
    pub layers: usize,
    /// Heads.
    pub heads: usize,
    /// Side of a patch, pixels.
    pub patch: usize,
    /// Side of the square of patches that become one token.
    pub merge: usize,
    /// Frames a patch covers; of a still picture they are the same.
    pub frames: usize,
    /// Side of the square of places that positions were learned for.
    pub places: usize,
    /// The layers whose states are added to the text decoder's first ones, rising.
    pub deepstack: Vec<usize>,
    /// Activation of the feed-forward parts.
    pub activation: Activation,
}
