//! CLIP: how well a text describes a picture (Radford et al. 2021, arXiv 2103.00020), as published
//! in `openai/clip-vit-*`.
//!
//! Each tower gives one vector; the cosine of the two, scaled, is the logit of a match.

use super::towers::{ImageTower, ImageTowerConfig, TextTower, TextTowerConfig, unit_length};
use crate::error::Result;
use crate::layers::Linear;
use crate::params::{Builder, Init};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Sizes of the whole network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipConfig {
    /// The text tower.
    pub text_config: TextTowerConfig,
    /// The image tower.
    pub vision_config: ImageTowerConfig,
    /// Width of the vectors that are compared.
    pub projection_dim: usize,
    /// The logit from which on a text fits a picture rather than not. Published networks only say
    /// which of several texts fits best; of theirs, a cosine of a quarter is about what parts the two.
    #[serde(default = "usual_fits_from")]
    pub fits_from: f32,
}

/// A quarter of the published networks' scale after training, 100.
fn usual_fits_from() -> f32 {
    25.0
}

impl ClipConfig {
    /// What published files leave out where it is as usual (`transformers`' defaults).
    pub const USUAL: &str = r#"{"projection_dim": 512, "text_config": {"vocab_size": 49408, "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8, "max_position_embeddings": 77, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05}, "vision_config": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 224, "patch_size": 32, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05}}"#;
}

/// The network.
pub struct Clip {
    text: TextTower,
    image: ImageTower,
    projection: Linear,
    logit_scale: Tensor,
}

/// The logarithm of the published networks' scale before training, `ln(1 / 0.07)`.
const LOGIT_SCALE: f32 = 2.659_26;

impl Clip {
    /// Builds the network; fresh parameters come from the builder's seed.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(config: &ClipConfig, b: &Builder) -> Result<Self> {
        let (vision, width) = (&config.vision_config, config.projection_dim);
        let hidden = vision.encoder.hidden_size;
        Ok(Self {
            text: TextTower::new(&config.text_config, width, b)?,
            // The published checkpoints spell it so.
            image: ImageTower::new(vision, "pre_layrnorm", b)?,
            projection: Linear::new(hidden, width, false, &b.pp("visual_projection"))?,
            logit_scale: b.get((), "logit_scale", Init::Const(LOGIT_SCALE))?,
        })
    }

    /// Text vectors of unit length, `[texts, projection]`, from ids `[texts, length]`; `last[i]` is
    /// the place of text i's end token.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn text_vectors(&self, ids: &Tensor, last: &[u32]) -> Result<Tensor> {
        self.text.forward(ids, last)
    }

    /// Picture vectors of unit length, `[batch, projection]`, of `[batch, 3, side, side]` pixels.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn image_vectors(&self, pixels: &Tensor) -> Result<Tensor> {
        self.vectors_after(&self.early_states(pixels, 0)?, 0)
    }

    /// What the image tower's first `layers` layers make of `[batch, 3, side, side]` pixels,
    /// `[batch, 1 + patches, hidden]`.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn early_states(&self, pixels: &Tensor, layers: usize) -> Result<Tensor> {
        self.image.early(pixels, layers)
    }

    /// As [`Clip::image_vectors`], from the states after the first `layers` layers.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn vectors_after(&self, early: &Tensor, layers: usize) -> Result<Tensor> {
        let state = self.image.class_state(early, layers)?;
        unit_length(&self.projection.forward(&state)?)
    }

    /// What cosines are multiplied with.
    ///
    /// # Errors
    /// If the parameter cannot be read.
    pub fn scale(&self) -> Result<f32> {
        Ok(self.logit_scale.exp()?.to_scalar()?)
    }

    /// Logits `[batch, texts]` of every picture with every text: scaled cosines.
    ///
    /// # Errors
    /// If widths differ.
    pub fn logits(&self, images: &Tensor, texts: &Tensor) -> Result<Tensor> {
        let cosines = images.matmul(&texts.t()?)?;
        Ok(cosines.broadcast_mul(&self.logit_scale.exp()?)?)
    }
}
