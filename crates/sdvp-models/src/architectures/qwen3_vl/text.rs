//! The text decoder: causal attention of groups of heads to what was read so far, normalised and
//! rotated.

use super::Qwen3VlTextConfig;
use crate::error::Result;
use crate::layers::{Activation, CompactLinear, RmsNorm, Rotation, softmax};
use crate::params::Builder;
use candle_core::{Device, Tensor};

/// Tokens that look at what was read together: their scores are in memory at once.
const LOOKING: usize = 256;

/// Keys and values of what a layer has read, `[key heads, tokens, head]` each.
#[derive(Clone)]
pub(super) struct Seen {
    keys: Tensor,
    values: Tensor,
}

struct Attention {
    query: CompactLinear,
    key: CompactLinear,
    value: CompactLinear,
    output: CompactLinear,
    query_norm: RmsNorm,
    key_norm: RmsNorm,
    heads: usize,
    key_heads: usize,
    head: usize,
}

impl Attention {
    fn new(config: &Qwen3VlTextConfig, b: &Builder) -> Result<Self> {
        let (hidden, head) = (config.hidden, config.head);
        let (queries, keys) = (config.heads * head, config.key_heads * head);
        let linear =
            |from: usize, to: usize, name: &str| CompactLinear::new(from, to, false, &b.pp(name));
        Ok(Self {
            query: linear(hidden, queries, "q_proj")?,
            key: linear(hidden, keys, "k_proj")?,
            value: linear(hidden, keys, "v_proj")?,
            output: linear(queries, hidden, "o_proj")?,
            query_norm: RmsNorm::new(head, config.eps, &b.pp("q_norm"))?,
            key_norm: RmsNorm::new(head, config.eps, &b.pp("k_norm"))?,
            heads: config.heads,
            key_heads: config.key_heads,
            head,
        })
    }

    /// `x` `[tokens, hidden]` looks at what was seen before and at itself, and is seen from then on.
    fn forward(&self, x: &Tensor, rotation: &Rotation, seen: &mut Option<Seen>) -> Result<Tensor> {
        let tokens = x.dim(0)?;
        let split = |x: Tensor, heads: usize| x.reshape((tokens, heads, self.head));
        let turn = |x: Tensor| -> Result<Tensor> {
            Ok(rotation
                .apply(&x.transpose(0, 1)?.contiguous()?)?
                .contiguous()?)
        };
        let queries = split(self.query.forward(x)?, self.heads)?;
        let queries = turn(self.query_norm.forward(&queries)?)?;
        let keys = split(self.key.forward(x)?, self.key_heads)?;
        let keys = turn(self.key_norm.forward(&keys)?)?;
        let values = split(self.value.forward(x)?, self.key_heads)?;
        let values = values.transpose(0, 1)?.contiguous()?;
        let before = match seen {
            None => Seen { keys, values },
            Some(seen) => Seen {
                keys: Tensor::cat(&[&seen.keys, &keys], 1)?,
                values: Tensor::cat(&[&seen.values, &values], 1)?,
            },
        };
        let mixed = self.mixed(&queries, seen.insert(before))?;
        self.output.forward(&mixed)
    }

    /// `softmax(q kᵀ / √d) v`, `[tokens, heads · head]`, of queries `[heads, tokens, head]` that are
    /// the last of what was seen.
    fn mixed(&self, queries: &Tensor, seen: &Seen) -> Result<Tensor> {
        let tokens = queries.dim(1)?;
        let before = seen.keys.dim(1)? - tokens;
        let pieces = (0..tokens).step_by(LOOKING).map(|from| {
            let count = LOOKING.min(tokens - from);
            self.piece(&queries.narrow(1, from, count)?, seen, before + from)
        });
        let pieces = pieces.collect::<Result<Vec<_>>>()?;
        let mixed = match pieces.as_slice() {
            [only] => only.clone(),
            _ => Tensor::cat(&pieces, 1)?,
        };
        Ok(mixed
            .transpose(0, 1)?
            .reshape((tokens, self.heads * self.head))?)
    }

    /// The same of consecutive queries, the first of which is the `first` of what was seen.
    fn piece(&self, queries: &Tensor, seen: &Seen, first: usize) -> Result<Tensor> {
        let count = queries.dim(1)?;
        let groups = self.heads / self.key_heads;
        let all = first + count;
        let keys = seen.keys.narrow(1, 0, all)?.contiguous()?;
        let values = seen.values.narrow(1, 0, all)?.contiguous()?;
        // The heads that look at the same keys are rows of one product.
        let rows = (self.key_heads, groups * count, self.head);
        let scale = 1.0 / (self.head as f64).sqrt();
        let scores = (queries.contiguous()?.reshape(rows)?.matmul(&keys.t()?)? * scale)?;
        let scores = scores.reshape((self.key_heads * groups, count, all))?;
        let weights = softmax(&scores.broadcast_add(&later(count, first, queries.device())?)?)?;
        let weights = weights.reshape((self.key_heads, groups * count, all))?;
        Ok(weights
            .matmul(&values)?
            .reshape((self.heads, count, self.head))?)
    }
}

/// Minus infinity where a token would look at a later one, else 0; `[count, first + count]`.
fn later(count: usize, first: usize, device: &Device) -> Result<Tensor> {
    let hidden = (0..count).flat_map(|query| {
        (0..first + count).map(move |key| match key <= first + query {
            true => 0.0,
            false => f32::NEG_INFINITY,
        })
    });
    Ok(Tensor::from_vec(
        hidden.collect(),
        (count, first + count),
        device,
    )?)
}

pub(super) struct Layer {
    norm_before_attention: RmsNorm,
    attention: Attention,
    norm_before_mlp: RmsNorm,
    gate: CompactLinear,
    up: CompactLinear,
    down: CompactLinear,
    activation: Activation,
}

impl Layer {
    pub(super) fn new(config: &Qwen3VlTextConfig, b: &Builder) -> Result<Self> {
        let (hidden, inner) = (config.hidden, config.inner);
        let norm = |name: &str| RmsNorm::new(hidden, config.eps, &b.pp(name));
        let mlp = b.pp("mlp");
        Ok(Self {
            norm_before_attention: norm("input_layernorm")?,
            attention: Attention::new(config, &b.pp("self_attn"))?,
            norm_before_mlp: norm("post_attention_layernorm")?,
            gate: CompactLinear::new(hidden, inner, false, &mlp.pp("gate_proj"))?,
            up: CompactLinear::new(hidden, inner, false, &mlp.pp("up_proj"))?,
            down: CompactLinear::new(inner, hidden, false, &mlp.pp("down_proj"))?,
            activation: config.activation,
        })
    }

    pub(super) fn forward(
        &self,
        x: &Tensor,
        rotation: &Rotation,
        seen: &mut Option<Seen>,
    ) -> Result<Tensor> {
        let normed = self.norm_before_attention.forward(x)?;
        let x = (x + self.attention.forward(&normed, rotation, seen)?)?;
        let normed = self.norm_before_mlp.forward(&x)?;
        let gate = self.activation.apply(&self.gate.forward(&normed)?)?;
        let inner = (gate * self.up.forward(&normed)?)?;
        Ok((x + self.down.forward(&inner)?)?)
    }
}
