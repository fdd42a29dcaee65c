//! BLIP's text transformer: BERT's layers (norms last) with attention to something else between
//! self-attention and the feed-forward part.

use crate::architectures::encoder::EncoderConfig;
use crate::error::{ModelError, Result};
use crate::layers::{
    Activation, Attention, AttentionNames, CrossAttention, Embedding, KeysValues, LayerNorm, Linear,
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
    /// `[batch, others, width]`; or fewer, each of which as many texts after one another look at.
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
            let others = self.beside.keys_values(beside.states)?;
            let seen = self.beside.forward(&x, &others, beside.mask)?;
            x = self.norm_after_beside.forward(&(x + seen)?)?;
        }
        self.feed(&x)
    }

    /// As [`TextLayer::forward`] (causal), for the newest token of each text alone.
    fn forward_next(
        &self,
        x: &Tensor,
        earlier: &mut LayerMemory,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let attended = self.attention.forward_next(x, &mut earlier.own)?;
        let x = self.norm_after_attention.forward(&(x + attended)?)?;
        let seen = self.beside.forward(&x, &earlier.beside, mask)?;
        self.feed(&self.norm_after_beside.forward(&(x + seen)?)?)
    }

    fn feed(&self, x: &Tensor) -> Result<Tensor> {
        let inner = self.activation.apply(&self.mlp_in.forward(x)?)?;
        let mlp = self.mlp_out.forward(&inner)?;
        self.norm_after_mlp.forward(&(x + mlp)?)
    }
}

/// What a layer has seen of texts that grow, and of what they look at.
struct LayerMemory {
    own: Option<KeysValues>,
    beside: KeysValues,
}

/// Texts that grow by a token at a time, all of one length.
pub(super) struct Growing {
    layers: Vec<LayerMemory>,
    /// `[texts, others]`, 0 where nothing is to be seen beside a text.
    mask: Tensor,
    length: usize,
}

impl Growing {
    /// Goes on with these rows, in this order; one may be there several times.
    pub(super) fn keep(&mut self, rows: &[usize]) -> Result<()> {
        let texts = self.mask.dim(0)?;
        if rows.iter().copied().eq(0..texts) {
            return Ok(());
        }
        let rows: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let rows = Tensor::new(rows.as_slice(), self.mask.device())?;
        for layer in &mut self.layers {
            layer.beside = layer.beside.rows(&rows)?;
            layer.own = layer.own.take().map(|own| own.rows(&rows)).transpose()?;
        }
        self.mask = self.mask.index_select(&rows, 0)?;
        Ok(())
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
        let x = self.embed(ids, 0)?;
        self.layers
            .iter()
            .try_fold(x, |x, layer| layer.forward(&x, mask, causal, beside))
    }
    /// Texts of no token yet, each of which looks at what is beside it.
    pub(super) fn grow(&self, states: &Tensor, mask: &Tensor) -> Result<Growing> {
        let memory = |layer: &TextLayer| -> Result<LayerMemory> {
            let beside = layer.beside.keys_values(states)?;
            Ok(LayerMemory { own: None, beside })
        };
        Ok(Growing {
            layers: self.layers.iter().map(memory).collect::<Result<_>>()?,
            mask: mask.clone(),
            length: 0,
        })
    }

    /// States of one more token of each text, `[texts, 1, hidden]`.
    pub(super) fn next(&self, texts: &mut Growing, ids: &[u32]) -> Result<Tensor> {
        let ids = Tensor::new(ids, self.positions.device())?.unsqueeze(1)?;
        let x = self.embed(&ids, texts.length)?;
        texts.length += 1;
        let mask = Some(&texts.mask);
        self.layers
            .iter()
            .zip(&mut texts.layers)
            .try_fold(x, |x, (layer, earlier)| {
                layer.forward_next(&x, earlier, mask)
            })
    }

    /// What enters the first layer for `[batch, length]` ids whose first is at a place.
    fn embed(&self, ids: &Tensor, from: usize) -> Result<Tensor> {
        let length = ids.dim(1)?;
        let longest = self.positions.dim(0)?;
        if from + length > longest {
            return Err(ModelError::Config(format!(
                "expected a text of at most {longest} tokens, found {}",
                from + length
            )));
        }
        let positions = self.positions.narrow(0, from, length)?;
        let x = self.words.forward(ids)?.broadcast_add(&positions)?;
        self.norm.forward(&x)
    }
}
