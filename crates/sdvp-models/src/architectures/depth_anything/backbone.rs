//! DINOv2, as a backbone.

use super::config::{DepthAnythingConfig, Dinov2Config};
use crate::architectures::patches::PatchEmbedding;
use crate::error::Result;
use crate::layers::{
    Activation, Attention, AttentionNames, Interpolation, LayerNorm, Linear, interpolate,
};
use crate::params::{Builder, Init};
use candle_core::Tensor;

/// `x += s · attention(norm(x))`, then `x += s · mlp(norm(x))`, with a learned scale `s` of each
/// channel (LayerScale; Touvron et al. 2021, arXiv 2103.17239).
struct BackboneLayer {
    norm_before_attention: LayerNorm,
    attention: Attention,
    attention_scale: Tensor,
    norm_before_mlp: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
    activation: Activation,
    mlp_scale: Tensor,
}

impl BackboneLayer {
    fn new(config: &Dinov2Config, b: &Builder) -> Result<Self> {
        let (dim, inner, eps) = (
            config.hidden_size,
            config.intermediate_size,
            config.layer_norm_eps,
        );
        let names = AttentionNames {
            query: "attention.attention.query",
            key: "attention.attention.key",
            value: "attention.attention.value",
            output: "attention.output.dense",
        };
        let scale = |name: &str| b.pp(name).get(dim, "lambda1", Init::Ones);
        Ok(Self {
            norm_before_attention: LayerNorm::new(dim, eps, &b.pp("norm1"))?,
            attention: Attention::new(dim, config.num_attention_heads, b, names)?,
            attention_scale: scale("layer_scale1")?,
            norm_before_mlp: LayerNorm::new(dim, eps, &b.pp("norm2"))?,
            mlp_in: Linear::new(dim, inner, true, &b.pp("mlp.fc1"))?,
            mlp_out: Linear::new(inner, dim, true, &b.pp("mlp.fc2"))?,
            activation: config.hidden_act,
            mlp_scale: scale("layer_scale2")?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let normed = self.norm_before_attention.forward(x)?;
        let attended = self.attention.forward(&normed, None, false)?;
        let x = (x + attended.broadcast_mul(&self.attention_scale)?)?;
        let inner = self.mlp_in.forward(&self.norm_before_mlp.forward(&x)?)?;
        let mlp = self.mlp_out.forward(&self.activation.apply(&inner)?)?;
        Ok((x + mlp.broadcast_mul(&self.mlp_scale)?)?)
    }
}

/// Turns pictures into feature maps of one place a patch.
pub(super) struct Backbone {
    class_token: Tensor,
    patch_embedding: PatchEmbedding,
    positions: Tensor,
    /// Patches along one side of the square that positions were learned for.
    side: usize,
    layers: Vec<BackboneLayer>,
    norm: Option<LayerNorm>,
    /// After how many layers states are handed on, rising.
    after: Vec<usize>,
}

impl Backbone {
    pub(super) fn new(config: &DepthAnythingConfig, b: &Builder) -> Result<Self> {
        let (sizes, embeddings) = (&config.backbone, b.pp("embeddings"));
        // Stands for what is hidden in pretraining.
        embeddings.leave_out("mask_token");
        let (dim, small) = (sizes.hidden_size, Init::Normal(0.02));
        let side = sizes.image_size / sizes.patch_size;
        let norm = b.pp("layernorm");
        let after: Vec<usize> = config.stages.iter().map(|stage| stage.after).collect();
        Ok(Self {
            class_token: embeddings.get((1, 1, dim), "cls_token", small)?,
            patch_embedding: PatchEmbedding::new(
                dim,
                sizes.patch_size,
                true,
                &embeddings.pp("patch_embeddings.projection"),
            )?,
            positions: embeddings.get((1, side * side + 1, dim), "position_embeddings", small)?,
            side,
            layers: (0..sizes.num_hidden_layers)
                .map(|layer| BackboneLayer::new(sizes, &b.pp("encoder.layer").pp(layer)))
                .collect::<Result<_>>()?,
            norm: match sizes.apply_layernorm {
                true => Some(LayerNorm::new(dim, sizes.layer_norm_eps, &norm)?),
                false => {
                    norm.leave_out("weight");
                    norm.leave_out("bias");
                    None
                }
            },
            after,
        })
    }

    /// `[batch, 3, height, width]` pixels, a grid of patches → a map
    /// `[batch, rows, columns, hidden]` a stage.
    pub(super) fn maps(&self, pixels: &Tensor, grid: [usize; 2]) -> Result<Vec<Tensor>> {
        let patches = self.patch_embedding.forward(pixels)?;
        let (batch, _, dim) = patches.dims3()?;
        let class = self
            .class_token
            .broadcast_as((batch, 1, dim))?
            .contiguous()?;
        let mut x =
            Tensor::cat(&[&class, &patches], 1)?.broadcast_add(&self.positions_of(grid)?)?;
        let mut maps = Vec::with_capacity(self.after.len());
        for passed in 0..=self.layers.len() {
            if self.after.contains(&passed) {
                maps.push(self.map(&x, grid)?);
            }
            match self.layers.get(passed) {
                Some(layer) if maps.len() < self.after.len() => x = layer.forward(&x)?,
                _ => break,
            }
        }
        Ok(maps)
    }

    /// The patches' states, in rows and columns.
    fn map(&self, states: &Tensor, [rows, columns]: [usize; 2]) -> Result<Tensor> {
        let (batch, tokens, dim) = states.dims3()?;
        let patches = states.narrow(1, 1, tokens - 1)?.contiguous()?;
        let patches = match &self.norm {
            Some(norm) => norm.forward(&patches)?,
            None => patches,
        };
        Ok(patches.reshape((batch, rows, columns, dim))?)
    }

    /// Positions of the class token and of a grid of patches, `[1, 1 + patches, hidden]`: those that
    /// were learned, resized.
    fn positions_of(&self, grid: [usize; 2]) -> Result<Tensor> {
        if grid == [self.side, self.side] {
            return Ok(self.positions.clone());
        }
        let (_, count, dim) = self.positions.dims3()?;
        let learned = self
            .positions
            .narrow(1, 1, count - 1)?
            .reshape((1, self.side, self.side, dim))?;
        let resized = interpolate(&learned, grid, Interpolation::Cubic)?;
        let class = self.positions.narrow(1, 0, 1)?;
        Ok(Tensor::cat(&[&class, &resized.reshape((1, (), dim))?], 1)?)
    }
}
