//! The pre-norm transformer encoder that CLIP, OWL-ViT and ViLT have in common.

use crate::error::Result;
use crate::layers::{Activation, Attention, AttentionNames, LayerNorm, Linear};
use crate::params::Builder;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Sizes of an encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EncoderConfig {
    /// Width of a token.
    pub hidden_size: usize,
    /// Width inside the feed-forward part.
    pub intermediate_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Heads of attention; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Activation of the feed-forward part.
    pub hidden_act: Activation,
    /// ε of the layer norms.
    pub layer_norm_eps: f64,
}

/// What a checkpoint calls the parts of one layer.
pub(crate) struct LayerNames {
    pub(crate) attention: AttentionNames,
    pub(crate) norm_before_attention: &'static str,
    pub(crate) norm_before_mlp: &'static str,
    pub(crate) mlp_in: &'static str,
    pub(crate) mlp_out: &'static str,
}

impl LayerNames {
    /// Names in CLIP and OWL-ViT checkpoints.
    pub(crate) const CLIP: LayerNames = LayerNames {
        attention: AttentionNames {
            query: "self_attn.q_proj",
            key: "self_attn.k_proj",
            value: "self_attn.v_proj",
            output: "self_attn.out_proj",
        },
        norm_before_attention: "layer_norm1",
        norm_before_mlp: "layer_norm2",
        mlp_in: "mlp.fc1",
        mlp_out: "mlp.fc2",
    };

    /// Names in ViT and ViLT checkpoints.
    pub(crate) const VIT: LayerNames = LayerNames {
        attention: AttentionNames {
            query: "attention.attention.query",
            key: "attention.attention.key",
            value: "attention.attention.value",
            output: "attention.output.dense",
        },
        norm_before_attention: "layernorm_before",
        norm_before_mlp: "layernorm_after",
        mlp_in: "intermediate.dense",
        mlp_out: "output.dense",
    };
}

/// One layer: `x += attention(norm(x))`, then `x += mlp(norm(x))`.
struct EncoderLayer {
    norm_before_attention: LayerNorm,
    attention: Attention,
    norm_before_mlp: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
    activation: Activation,
}

impl EncoderLayer {
    fn new(config: &EncoderConfig, names: &LayerNames, b: &Builder) -> Result<Self> {
        let (dim, inner, eps) = (
            config.hidden_size,
            config.intermediate_size,
            config.layer_norm_eps,
        );
        Ok(Self {
            norm_before_attention: LayerNorm::new(dim, eps, &b.pp(names.norm_before_attention))?,
            attention: Attention::new(dim, config.num_attention_heads, b, names.attention)?,
            norm_before_mlp: LayerNorm::new(dim, eps, &b.pp(names.norm_before_mlp))?,
            mlp_in: Linear::new(dim, inner, true, &b.pp(names.mlp_in))?,
            mlp_out: Linear::new(inner, dim, true, &b.pp(names.mlp_out))?,
            activation: config.hidden_act,
        })
    }

    fn forward(&self, x: &Tensor, key_mask: Option<&Tensor>, causal: bool) -> Result<Tensor> {
        let attended =
            self.attention
                .forward(&self.norm_before_attention.forward(x)?, key_mask, causal)?;
        self.mlp((x + attended)?)
    }

    /// As [`EncoderLayer::forward`], for the first token alone.
    fn forward_first(&self, x: &Tensor, key_mask: Option<&Tensor>) -> Result<Tensor> {
        let attended = self
            .attention
            .forward_first(&self.norm_before_attention.forward(x)?, key_mask)?;
        self.mlp((x.narrow(1, 0, 1)? + attended)?)
    }

    fn mlp(&self, x: Tensor) -> Result<Tensor> {
        let inner = self.mlp_in.forward(&self.norm_before_mlp.forward(&x)?)?;
        let mlp = self.mlp_out.forward(&self.activation.apply(&inner)?)?;
        Ok((x + mlp)?)
    }
}

/// A stack of layers.
pub(crate) struct Encoder(Vec<EncoderLayer>);

impl Encoder {
    /// Layers `0, 1, …` under the builder's path.
    pub(crate) fn new(config: &EncoderConfig, names: &LayerNames, b: &Builder) -> Result<Self> {
        (0..config.num_hidden_layers)
            .map(|index| EncoderLayer::new(config, names, &b.pp(index)))
            .collect::<Result<_>>()
            .map(Self)
    }

    /// All layers.
    pub(crate) fn layers(&self) -> Layers<'_> {
        Layers(&self.0)
    }

    /// The first so many layers, and those after them.
    pub(crate) fn split(&self, at: usize) -> (Layers<'_>, Layers<'_>) {
        let (early, late) = self.0.split_at(at.min(self.0.len()));
        (Layers(early), Layers(late))
    }
}

/// Layers of an encoder that follow one another. What enters them, `x`, is `[batch, tokens,
/// hidden]`; `key_mask` `[batch, tokens]` is 0 where a token must not be looked at.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'a>(&'a [EncoderLayer]);

impl Layers<'_> {
    /// The states after the last of them; `causal` hides what comes later.
    pub(crate) fn forward(
        self,
        x: &Tensor,
        key_mask: Option<&Tensor>,
        causal: bool,
    ) -> Result<Tensor> {
        self.0
            .iter()
            .try_fold(x.clone(), |x, layer| layer.forward(&x, key_mask, causal))
    }

    /// As [`Layers::forward`] (not causal), but the states after every layer.
    pub(crate) fn states(self, x: &Tensor, key_mask: Option<&Tensor>) -> Result<Vec<Tensor>> {
        let mut states = Vec::with_capacity(self.0.len());
        for layer in self.0 {
            let next = layer.forward(states.last().unwrap_or(x), key_mask, false)?;
            states.push(next);
        }
        Ok(states)
    }

    /// The first token of what [`Layers::forward`] gives (not causal), `[batch, 1, hidden]`. The
    /// last layer is spared most of its work on the others.
    pub(crate) fn forward_first(self, x: &Tensor, key_mask: Option<&Tensor>) -> Result<Tensor> {
        let Some((last, earlier)) = self.0.split_last() else {
            return Ok(x.narrow(1, 0, 1)?);
        };
        let x = Layers(earlier).forward(x, key_mask, false)?;
        last.forward_first(&x, key_mask)
    }
}
