//! BLIP's image encoder.

use crate::architectures::encoder::EncoderConfig;
use crate::architectures::patches::{PatchEmbedding, patches_along};
use crate::error::Result;
use crate::layers::{Activation, LayerNorm, Linear, PackedAttention};
use crate::params::{Builder, Init};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Sizes of the image encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlipVisionConfig {
    /// Side of the square input, pixels.
    pub image_size: usize,
    /// Side of a patch, pixels.
    pub patch_size: usize,
    /// The layers.
    #[serde(flatten)]
    pub encoder: EncoderConfig,
}

/// `x += attention(norm(x))`, then `x += mlp(norm(x))`; queries, keys and values are one layer.
struct VisionLayer {
    norm_before_attention: LayerNorm,
    attention: PackedAttention,
    norm_before_mlp: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
    activation: Activation,
}

impl VisionLayer {
    fn new(config: &EncoderConfig, b: &Builder) -> Result<Self> {
        let (dim, inner, eps) = (
            config.hidden_size,
            config.intermediate_size,
            config.layer_norm_eps,
        );
        let attention = b.pp("self_attn");
        Ok(Self {
            norm_before_attention: LayerNorm::new(dim, eps, &b.pp("layer_norm1"))?,
            attention: PackedAttention::new(
                dim,
                config.num_attention_heads,
                &attention.pp("qkv"),
                &attention.pp("projection"),
            )?,
            norm_before_mlp: LayerNorm::new(dim, eps, &b.pp("layer_norm2"))?,
            mlp_in: Linear::new(dim, inner, true, &b.pp("mlp.fc1"))?,
            mlp_out: Linear::new(inner, dim, true, &b.pp("mlp.fc2"))?,
            activation: config.hidden_act,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = (x + self
            .attention
            .forward(&self.norm_before_attention.forward(x)?)?)?;
        let inner = self.mlp_in.forward(&self.norm_before_mlp.forward(&x)?)?;
        let mlp = self.mlp_out.forward(&self.activation.apply(&inner)?)?;
        Ok((x + mlp)?)
    }
}

/// Turns pictures into the states of a class token and patches.
pub(super) struct VisionTower {
    class_embedding: Tensor,
    patch_embedding: PatchEmbedding,
    position_embedding: Tensor,
    layers: Vec<VisionLayer>,
    post_layer_norm: LayerNorm,
}

impl VisionTower {
    /// Under `vision_model` of the builder's path.
    pub(super) fn new(config: &BlipVisionConfig, b: &Builder) -> Result<Self> {
        let b = b.pp("vision_model");
        let embeddings = b.pp("embeddings");
        let (dim, small) = (config.encoder.hidden_size, Init::Normal(0.02));
        let patches = patches_along(config.image_size, config.patch_size)?.pow(2);
        Ok(Self {
            class_embedding: embeddings.get((1, 1, dim), "class_embedding", small)?,
            patch_embedding: PatchEmbedding::new(
                dim,
                config.patch_size,
                true,
                &embeddings.pp("patch_embedding"),
            )?,
            position_embedding: embeddings.get(
                (1, patches + 1, dim),
                "position_embedding",
                small,
            )?,
            layers: (0..config.encoder.num_hidden_layers)
                .map(|layer| VisionLayer::new(&config.encoder, &b.pp("encoder.layers").pp(layer)))
                .collect::<Result<_>>()?,
            post_layer_norm: LayerNorm::new(
                dim,
                config.encoder.layer_norm_eps,
                &b.pp("post_layernorm"),
            )?,
        })
    }

    /// The states after the first `layers` layers, `[batch, 1 + patches, hidden]`, the class token first,
    /// of `[batch, 3, side, side]` pixels.
    pub(super) fn early(&self, pixels: &Tensor, layers: usize) -> Result<Tensor> {
        let patches = self.patch_embedding.forward(pixels)?;
        let (batch, _, dim) = patches.dims3()?;
        let class = self
            .class_embedding
            .broadcast_as((batch, 1, dim))?
            .contiguous()?;
        let x = Tensor::cat(&[&class, &patches], 1)?.broadcast_add(&self.position_embedding)?;
        let mut early = self.layers.iter().take(layers);
        early.try_fold(x, |x, layer| layer.forward(&x))
    }

    /// The normalised states of all of them, from those after `layers` layers.
    pub(super) fn late(&self, early: &Tensor, layers: usize) -> Result<Tensor> {
        let mut late = self.layers.iter().skip(layers);
        let x = late.try_fold(early.clone(), |x, layer| layer.forward(&x))?;
        self.post_layer_norm.forward(&x)
    }

    /// `[batch, 3, side, side]` pixels → `[batch, 1 + patches, hidden]`, the class token first.
    pub(super) fn states(&self, pixels: &Tensor) -> Result<Tensor> {
        self.late(&self.early(pixels, 0)?, 0)
    }
}
