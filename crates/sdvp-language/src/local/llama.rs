//! The llama network over quantised weights.
//!
//! candle-transformers has one, too, but hides its keys and values, copies all of them for every
//! token, and takes 4,096 tokens at most.

use super::LocalError;
use super::attention::{CausalSoftmax, Memory};
use super::weights::{Input, Linear, Weights};
use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};
use std::io::{Read, Seek};
use std::sync::Arc;

/// Greatest context that positions are computed for.
const MAX_CONTEXT: usize = 1 << 15;

/// Sizes of the network.
#[derive(Clone, Debug)]
struct Sizes {
    width: usize,
    heads: usize,
    /// Heads of keys and values; each serves `heads / groups` heads of queries.
    groups: usize,
    /// Width of a head.
    head: usize,
}

struct Layer {
    attention_norm: Tensor,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    feed_norm: Tensor,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// A llama network on the CPU.
pub(super) struct Llama {
    sizes: Sizes,
    epsilon: f32,
    embedding: Arc<QTensor>,
    layers: Vec<Layer>,
    norm: Tensor,
    output: Linear,
    /// `[context, head / 2]`.
    cos: Tensor,
    sin: Tensor,
    context: usize,
}

impl Llama {
    /// Reads the network.
    ///
    /// # Errors
    /// If the file lacks something, sizes do not fit each other, or it needs what is not there:
    /// experts, biases, stretched positions.
    pub(super) fn read<R: Read + Seek>(
        weights: &mut Weights<'_, R>,
        vocabulary: usize,
    ) -> Result<Self, LocalError> {
        let blocks = weights.count("llama.block_count", 1_000)?;
        let width = weights.count("llama.embedding_length", 1 << 20)?;
        let inner = weights.count("llama.feed_forward_length", 1 << 22)?;
        let heads = weights.count("llama.attention.head_count", 4_096)?;
        let groups = match weights.header.metadata.get("llama.attention.head_count_kv") {
            None => heads,
            Some(_) => weights.count("llama.attention.head_count_kv", 4_096)?,
        };
        let head = match weights.header.metadata.get("llama.attention.key_length") {
            None => width / heads,
            Some(_) => weights.count("llama.attention.key_length", 4_096)?,
        };
        let turned = match weights.header.metadata.get("llama.rope.dimension_count") {
            None => head,
            Some(_) => weights.count("llama.rope.dimension_count", 4_096)?,
        };
        if !heads.is_multiple_of(groups) || head == 0 || head % 2 != 0 || turned != head {
            return Err(weights.fault(format!(
                "expected heads that share keys evenly and turn as a whole, found {heads} heads, {groups} of keys, {head} wide, of which {turned} turn"
            )));
        }
        for unknown in ["llama.expert_count", "llama.rope.scaling.type"] {
            match weights.header.metadata.get(unknown) {
                None | Some(super::header::Value::Count(0)) => {}
                Some(super::header::Value::Text(text)) if text == "none" => {}
                Some(found) => {
                    return Err(
                        weights.fault(format!("{unknown} is not supported, found {found:?}"))
                    );
                }
            }
        }
        let epsilon = weights.real("llama.attention.layer_norm_rms_epsilon", None)? as f32;
        let base = weights.real("llama.rope.freq_base", Some(10_000.0))? as f32;
        let context = weights
            .count("llama.context_length", 1 << 30)?
            .min(MAX_CONTEXT);
        let factors = if weights.has("rope_freqs.weight") {
            weights
                .vector("rope_freqs.weight", head / 2)?
                .to_vec1::<f32>()?
        } else {
            vec![1.0; head / 2]
        };
        let (cos, sin) = positions(context, head, base, &factors)?;
        let embedding = weights.quantized("token_embd.weight", &[vocabulary, width])?;
        // Without a layer of its own, the embedding gives the output, too.
        let output = if weights.has("output.weight") {
            weights.linear("output.weight", vocabulary, width)?
        } else {
            Linear::of(Arc::clone(&embedding))?
        };
        let mut layers = Vec::new();
        for block in 0..blocks {
            let name = |part: &str| format!("blk.{block}.{part}.weight");
            for part in ["attn_q", "attn_k", "attn_v", "attn_output"] {
                let bias = format!("blk.{block}.{part}.bias");
                if weights.has(&bias) {
                    return Err(weights.fault(format!("{bias}: biases are not supported")));
                }
            }
            layers.push(Layer {
                attention_norm: weights.vector(&name("attn_norm"), width)?,
                query: weights.linear(&name("attn_q"), heads * head, width)?,
                key: weights.linear(&name("attn_k"), groups * head, width)?,
                value: weights.linear(&name("attn_v"), groups * head, width)?,
                output: weights.linear(&name("attn_output"), width, heads * head)?,
                feed_norm: weights.vector(&name("ffn_norm"), width)?,
                gate: weights.linear(&name("ffn_gate"), inner, width)?,
                up: weights.linear(&name("ffn_up"), inner, width)?,
                down: weights.linear(&name("ffn_down"), width, inner)?,
            });
        }
        Ok(Self {
            sizes: Sizes {
                width,
                heads,
                groups,
                head,
            },
            epsilon,
            embedding,
            layers,
            norm: weights.vector("output_norm.weight", width)?,
            output,
            cos,
            sin,
            context,
        })
    }

    /// How many tokens it takes, its own included.
    pub(super) fn context(&self) -> usize {
        self.context
    }

    /// An empty memory for a conversation.
    pub(super) fn memory(&self) -> Memory {
        Memory::new(self.layers.len(), self.sizes.groups, self.sizes.head)
    }

    /// Reads `tokens` after what is in `memory`, where they go; gives the logit of each token that
    /// may come next.
    pub(super) fn forward(
        &self,
        memory: &mut Memory,
        tokens: &[u32],
    ) -> candle_core::Result<Vec<f32>> {
        let past = memory.length();
        let rows = tokens.len();
        let ids = Tensor::new(tokens, &Device::Cpu)?;
        let mut x = self
            .embedding
            .embedding(&ids)?
            .reshape((rows, self.sizes.width))?;
        let turn = Turn {
            cos: self.cos.narrow(0, past, rows)?,
            sin: self.sin.narrow(0, past, rows)?,
        };
        for (index, layer) in self.layers.iter().enumerate() {
            let input = Input::new(self.normed(&x, &layer.attention_norm)?);
            let attended = self.attend(layer, index, &input, &turn, memory)?;
            x = (x + layer.output.forward(&Input::new(attended))?)?;
            let input = Input::new(self.normed(&x, &layer.feed_norm)?);
            let gate = layer.gate.forward(&input)?.silu()?;
            let inner = (gate * layer.up.forward(&input)?)?;
            x = (x + layer.down.forward(&Input::new(inner))?)?;
        }
        memory.advance(rows);
        let last = self.normed(&x.narrow(0, rows - 1, 1)?.contiguous()?, &self.norm)?;
        self.output
            .forward(&Input::new(last))?
            .flatten_all()?
            .to_vec1()
    }

    fn attend(
        &self,
        layer: &Layer,
        index: usize,
        input: &Input,
        turn: &Turn,
        memory: &mut Memory,
    ) -> candle_core::Result<Tensor> {
        let Sizes {
            heads,
            groups,
            head,
            ..
        } = self.sizes;
        let query = layer.query.forward(input)?;
        let rows = query.dim(0)?;
        let query = turn.apply(&by_head(&query, heads, head)?)?;
        let key = turn.apply(&by_head(&layer.key.forward(input)?, groups, head)?)?;
        let value = by_head(&layer.value.forward(input)?, groups, head)?;
        let past = memory.length();
        let (keys, values) = memory.remember(index, &key, &value)?;
        // The heads that share keys are neighbours: their queries stand below each other.
        let query = query.reshape((groups, heads / groups * rows, head))?;
        let scale = 1.0 / (head as f64).sqrt();
        let scores = (query * scale)?.matmul(&keys.transpose(1, 2)?)?;
        let weights = scores.apply_op1_no_bwd(&CausalSoftmax { rows, past })?;
        weights
            .matmul(&values)?
            .reshape((heads, rows, head))?
            .transpose(0, 1)?
            .contiguous()?
            .reshape((rows, heads * head))
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "nothing is learned here, so no gradient is cut"
    )]
    fn normed(&self, x: &Tensor, weight: &Tensor) -> candle_core::Result<Tensor> {
        candle_nn::ops::rms_norm(x, weight, self.epsilon)
    }
}

/// `[rows, heads · head]` to `[1, heads, rows, head]`.
fn by_head(x: &Tensor, heads: usize, head: usize) -> candle_core::Result<Tensor> {
    let rows = x.dim(0)?;
    x.reshape((1, rows, heads, head))?
        .transpose(1, 2)?
        .contiguous()
}

/// Rotary positions of the rows at hand.
struct Turn {
    cos: Tensor,
    sin: Tensor,
}

impl Turn {
    /// Turns each pair of neighbours by its angle: GGUF files of llamas are stored so.
    #[allow(
        clippy::disallowed_methods,
        reason = "nothing is learned here, so no gradient is cut"
    )]
    fn apply(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        candle_nn::rotary_emb::rope_i(x, &self.cos, &self.sin)
    }
}

/// Cosine and sine of position `p` times `base^(−2i / head) / factors[i]`, `[context, head / 2]`.
fn positions(
    context: usize,
    head: usize,
    base: f32,
    factors: &[f32],
) -> Result<(Tensor, Tensor), LocalError> {
    let rates: Vec<f32> = factors
        .iter()
        .enumerate()
        .map(|(index, factor)| 1.0 / (base.powf(2.0 * index as f32 / head as f32) * factor))
        .collect();
    let angles: Vec<f32> = (0..context)
        .flat_map(|position| rates.iter().map(move |rate| position as f32 * rate))
        .collect();
    let angles = Tensor::from_vec(angles, (context, head / 2), &Device::Cpu)?;
    Ok((angles.cos()?, angles.sin()?))
}
