//! BLIP's text transformer: BERT's layers (norms last) with attention to something else between
//! self-attention and the feed-forward part.

use crate::architectures::encoder::EncoderConfig;
use crate::error::{ModelError, Result};
use crate::layers::{
    Activation, Attention, AttentionNames, CrossAttention, Embedding, LayerNorm, Linear,
};
use crate::params::{Builder, Init};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// Sizes of the text transformers, and the ids that mean something to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlipTextConfig {
    /// Number of token ids.
    pub vocab_size: usize,
    /// Longest text, tokens.
    pub max_position_embeddings: usize,
    /// The id that answers begin with.
    pub bos_token_id: u32,
    /// The id that ends a text.
    pub sep_token_id: u32,
    /// The layers.
    #[serde(flatten)]
    pub encoder: EncoderConfig,
}

const SELF_ATTENTION: AttentionNames = AttentionNames {
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    output: "attention.output.dense",
};
const CROSS_ATTENTION: AttentionNames = AttentionNames {
    query: "crossattention.self.query",
    key: "crossattention.self.key",
    value: "crossattention.self.value",
    output: "crossattention.output.dense",
};

/// What a text looks at beside itself.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a> {
    /// `[batch, others, width]`.
    pub(super) states: &'a Tensor,
    /// `[batch, others]`, 0 where nothing is to be seen; all of it where there is none.
    pub(super) mask: Option<&'a Tensor>,
}

struct TextLayer {
    attention: Attention,
    norm_after_attention: LayerNorm,
    beside: CrossAttention,
    norm_after_beside: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
    norm_after_mlp: LayerNorm,
    activation: Activation,
}

impl TextLayer {
    fn new(config: &BlipTextConfig, beside: usize, b: &Builder) -> Result<Self> {
        let encoder = &config.encoder;
        let (dim, inner, heads) = (
            encoder.hidden_size,
            encoder.intermediate_size,
            encoder.num_attention_heads,
        );
        let norm = |name: &str| LayerNorm::new(dim, encoder.layer_norm_eps, &b.pp(name));
        Ok(Self {
            attention: Attention::new(dim, heads, b, SELF_ATTENTION)?,
            norm_after_attention: norm("attention.output.LayerNorm")?,
            beside: CrossAttention::new(dim, beside, heads, b, CROSS_ATTENTION)?,
            norm_after_beside: norm("crossattention.output.LayerNorm")?,
            mlp_in: Linear::new(dim, inner, true, &b.pp("intermediate.dense"))?,
            mlp_out: Linear::new(inner, dim, true, &b.pp("output.dense"))?,
            norm_after_mlp: norm("output.LayerNorm")?,
            activation: encoder.hidden_act,
        })
    }

    fn forward(
        &self,
        x: &Tensor,
        mask: Option<&Tensor>,
        causal: bool,
        beside: Option<Beside<'_>>,
    ) -> Result<Tensor> {
        let attended = self.attention.forward(x, mask, causal)?;
        let mut x = self.norm_after_attention.forward(&(x + attended)?)?;
        if let Some(beside) = beside {
            let seen = self.beside.forward(&x, beside.states, beside.mask)?;
            x = self.norm_after_beside.forward(&(x + seen)?)?;
        }
        let inner = self.activation.apply(&self.mlp_in.forward(&x)?)?;
        let mlp = self.mlp_out.forward(&inner)?;
        self.norm_after_mlp.forward(&(x + mlp)?)
    }
}

/// Turns ids into states.
pub(super) struct TextTransformer {
    pub(super) words: Embedding,
    positions: Tensor,
    norm: LayerNorm,
    layers: Vec<TextLayer>,
}

impl TextTransformer {
    /// Under the builder's path; what it looks at is `beside` wide.
    pub(super) fn new(config: &BlipTextConfig, beside: usize, b: &Builder) -> Result<Self> {
        let (dim, small) = (config.encoder.hidden_size, Init::Normal(0.02));
        let embeddings = b.pp("embeddings");
        // Older files have the numbers from 0 on as a tensor.
        embeddings.leave_out("position_ids");
        Ok(Self {
            words: Embedding::new(
                config.vocab_size,
                dim,
                &embeddings.pp("word_embeddings"),
                small,
            )?,
            positions: embeddings.pp("position_embeddings").get(
                (config.max_position_embeddings, dim),
                "weight",
                small,
            )?,
            norm: LayerNorm::new(
                dim,
                config.encoder.layer_norm_eps,
                &embeddings.pp("LayerNorm"),
            )?,
            layers: (0..config.encoder.num_hidden_layers)
                .map(|layer| TextLayer::new(config, beside, &b.pp("encoder.layer").pp(layer)))
                .collect::<Result<_>>()?,
        })
    }

    /// `[batch, length]` ids → `[batch, length, hidden]`. `mask` `[batch, length]` is 0 where a token
    /// must not be looked at; `causal` hides what comes later.
    pub(super) fn forward(
        &self,
        ids: &Tensor,
        mask: Option<&Tensor>,
        causal: bool,
        beside: Option<Beside<'_>>,
    ) -> Result<Tensor> {
        let length = ids.dim(1)?;
        let longest = self.positions.dim(0)?;
        if length > longest {
            return Err(ModelError::Config(format!(
                "expected a text of at most {longest} tokens, found {length}"
            )));
        }
        let positions = self.positions.narrow(0, 0, length)?;
        let x = self.words.forward(ids)?.broadcast_add(&positions)?;
        let x = self.norm.forward(&x)?;
        self.layers
            .iter()
            .try_fold(x, |x, layer| layer.forward(&x, mask, causal, beside))
    }
}
