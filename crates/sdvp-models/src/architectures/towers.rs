//! CLIP's two towers (Radford et al. 2021, arXiv 2103.00020), which OWL-ViT has, too.

use super::encoder::{Encoder, EncoderConfig, LayerNames};
use super::patches::{PatchEmbedding, patches_along};
use crate::error::Result;
use crate::layers::{Embedding, LayerNorm, Linear};
use crate::params::{Builder, Init};
use candle_core::{D, Tensor};
use serde::{Deserialize, Serialize};

/// Sizes of the text tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextTowerConfig {
    /// Number of token ids.
    pub vocab_size: usize,
    /// Longest text, tokens, start and end included.
    pub max_position_embeddings: usize,
    /// The encoder.
    #[serde(flatten)]
    pub encoder: EncoderConfig,
}

/// Sizes of the image tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageTowerConfig {
    /// Side of the square input, pixels.
    pub image_size: usize,
    /// Side of a patch, pixels.
    pub patch_size: usize,
    /// The encoder.
    #[serde(flatten)]
    pub encoder: EncoderConfig,
}

/// Turns texts into vectors.
pub(super) struct TextTower {
    token_embedding: Embedding,
    position_embedding: Tensor,
    encoder: Encoder,
    final_layer_norm: LayerNorm,
    projection: Linear,
}

impl TextTower {
    /// Under `text_model` and `text_projection` of the builder's path.
    pub(super) fn new(
        config: &TextTowerConfig,
        projection_dim: usize,
        b: &Builder,
    ) -> Result<Self> {
        let projection = b.pp("text_projection");
        let b = b.pp("text_model");
        let embeddings = b.pp("embeddings");
        // Older files have the numbers from 0 on as a tensor.
        embeddings.leave_out("position_ids");
        let dim = config.encoder.hidden_size;
        Ok(Self {
            token_embedding: Embedding::new(
                config.vocab_size,
                dim,
                &embeddings.pp("token_embedding"),
                Init::Normal(0.02),
            )?,
            position_embedding: embeddings.pp("position_embedding").get(
                (config.max_position_embeddings, dim),
                "weight",
                Init::Normal(0.01),
            )?,
            encoder: Encoder::new(&config.encoder, &LayerNames::CLIP, &b.pp("encoder.layers"))?,
            final_layer_norm: LayerNorm::new(
                dim,
                config.encoder.layer_norm_eps,
                &b.pp("final_layer_norm"),
            )?,
            projection: Linear::new(dim, projection_dim, false, &projection)?,
        })
    }

    /// Vectors of unit length, `[texts, projection]`, of ids `[texts, length]`; `last[i]` is the place
    /// of text i's end token.
    pub(super) fn forward(&self, ids: &Tensor, last: &[u32]) -> Result<Tensor> {
        let (texts, length) = ids.dims2()?;
        let positions = self.position_embedding.narrow(0, 0, length)?;
        let x = self
            .token_embedding
            .forward(ids)?
            .broadcast_add(&positions)?;
        // Causal, so that padding after the end token changes nothing before it.
        let x = self.encoder.layers().forward(&x, None, true)?;
        let x = self.final_layer_norm.forward(&x)?;
        let dim = x.dim(D::Minus1)?;
        let rows: Vec<u32> = last
            .iter()
            .enumerate()
            .map(|(row, &at)| (row * length) as u32 + at)
            .collect();
        let rows = Tensor::new(rows.as_slice(), ids.device())?;
        let ends = x.reshape((texts * length, dim))?.index_select(&rows, 0)?;
        unit_length(&self.projection.forward(&ends)?)
    }
}

/// Turns pictures into the states of their class token and patches.
pub(super) struct ImageTower {
    class_embedding: Tensor,
    patch_embedding: PatchEmbedding,
    position_embedding: Tensor,
    pre_layer_norm: LayerNorm,
    encoder: Encoder,
    post_layer_norm: LayerNorm,
}

impl ImageTower {
    /// Under `vision_model` of the builder's path; `first_norm` is what the checkpoints call the norm
    /// before the encoder.
    pub(super) fn new(config: &ImageTowerConfig, first_norm: &str, b: &Builder) -> Result<Self> {
        let vision = b.pp("vision_model");
        let embeddings = vision.pp("embeddings");
        embeddings.leave_out("position_ids");
        let (dim, eps) = (config.encoder.hidden_size, config.encoder.layer_norm_eps);
        let patches = patches_along(config.image_size, config.patch_size)?.pow(2);
        Ok(Self {
            class_embedding: embeddings.get(dim, "class_embedding", Init::Normal(0.02))?,
            patch_embedding: PatchEmbedding::new(
                dim,
                config.patch_size,
                false,
                &embeddings.pp("patch_embedding"),
            )?,
            position_embedding: embeddings.pp("position_embedding").get(
                (patches + 1, dim),
                "weight",
                Init::Normal(0.02),
            )?,
            pre_layer_norm: LayerNorm::new(dim, eps, &vision.pp(first_norm))?,
            encoder: Encoder::new(
                &config.encoder,
                &LayerNames::CLIP,
                &vision.pp("encoder.layers"),
            )?,
            post_layer_norm: LayerNorm::new(dim, eps, &vision.pp("post_layernorm"))?,
        })
    }

    /// What enters the encoder: `[batch, 1 + patches, hidden]`, the class token first.
    fn embed(&self, pixels: &Tensor) -> Result<Tensor> {
        let patches = self.patch_embedding.forward(pixels)?;
        let (batch, _, dim) = patches.dims3()?;
        let class = self
            .class_embedding
            .reshape((1, 1, dim))?
            .broadcast_as((batch, 1, dim))?;
        let x = Tensor::cat(&[&class.contiguous()?, &patches], 1)?;
        self.pre_layer_norm
            .forward(&x.broadcast_add(&self.position_embedding)?)
    }

    /// The states after the first `layers` layers, `[batch, 1 + patches, hidden]`: all that the others
    /// need to know of `[batch, 3, side, side]` pixels.
    pub(super) fn early(&self, pixels: &Tensor, layers: usize) -> Result<Tensor> {
        let (early, _) = self.encoder.split(layers);
        early.forward(&self.embed(pixels)?, None, false)
    }

    /// The normalised states of the class token and all patches, `[batch, 1 + patches, hidden]`, from
    /// those after `layers` layers.
    pub(super) fn states(&self, early: &Tensor, layers: usize) -> Result<Tensor> {
        let (_, late) = self.encoder.split(layers);
        self.post_layer_norm
            .forward(&late.forward(early, None, false)?)
    }

    /// The normalised state of the class token alone, `[batch, hidden]`, from the states after
    /// `layers` layers.
    pub(super) fn class_state(&self, early: &Tensor, layers: usize) -> Result<Tensor> {
        let (_, late) = self.encoder.split(layers);
        let x = late.forward_first(early, None)?;
        Ok(self.post_layer_norm.forward(&x)?.squeeze(1)?)
    }
}

/// Vectors scaled to a length of 1.
pub(super) fn unit_length(x: &Tensor) -> Result<Tensor> {
    let length = (x.sqr()?.sum_keepdim(D::Minus1)? + 1e-12)?.sqrt()?;
    Ok(x.broadcast_div(&length)?)
}
