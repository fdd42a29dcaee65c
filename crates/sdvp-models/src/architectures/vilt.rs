//! ViLT: answers a question about an image with one transformer over words and patches
//! (Kim et al. 2021, arXiv 2102.03334), as published in `dandelin/vilt-b32-finetuned-vqa`.

use super::encoder::{Encoder, EncoderConfig, LayerNames};
use super::patches::{PatchEmbedding, patches_along};
use crate::error::{ModelError, Result};
use crate::layers::{Embedding, LayerNorm, Linear, gelu};
use crate::params::{Builder, Init};
use candle_core::{DType, IndexOp, Tensor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// Sizes of the network, and what its outputs mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViltConfig {
    /// Number of token ids.
    pub vocab_size: usize,
    /// Longest question, tokens, start and end included.
    pub max_position_embeddings: usize,
    /// Side of the square input, pixels.
    pub image_size: usize,
    /// Side of a patch, pixels.
    pub patch_size: usize,
    /// The answers, by output index; published files have them as `id2label`.
    #[serde(alias = "id2label", deserialize_with = "by_index")]
    pub answers: Vec<String>,
    /// The encoder.
    #[serde(flatten)]
    pub encoder: EncoderConfig,
}

/// A list, or texts by number.
fn by_index<'d, D: Deserializer<'d>>(from: D) -> std::result::Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Answers {
        List(Vec<String>),
        // Keys of objects that may be one thing or another are texts.
        ByNumber(BTreeMap<String, String>),
    }
    match Answers::deserialize(from)? {
        Answers::List(answers) => Ok(answers),
        Answers::ByNumber(mut answers) => (0..answers.len())
            .map(|number| {
                answers.remove(&number.to_string()).ok_or_else(|| {
                    serde::de::Error::custom(format!("expected number {number} in id2label"))
                })
            })
            .collect(),
    }
}

impl ViltConfig {
    /// What published files leave out where it is as usual (`transformers`' defaults).
    pub const USUAL: &str = r#"{"vocab_size": 30522, "max_position_embeddings": 40, "image_size": 384, "patch_size": 32, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "hidden_act": "gelu", "layer_norm_eps": 1e-12}"#;
}

/// What layers of the encoder hand on to the next.
#[derive(Clone, Debug)]
pub struct ViltStates {
    /// Words, then the image's class token and patches, `[batch, tokens, hidden]`.
    pub tokens: Tensor,
    /// Which of them may be looked at, `[batch, tokens]`: 0 for what only fills up a question.
    pub seen: Tensor,
    /// How many tokens are words.
    pub words: usize,
}

/// Result of a forward pass.
pub struct ViltOutput {
    /// One logit per answer, `[batch, answers]`.
    pub logits: Tensor,
    /// States of all tokens after every layer, `[batch, tokens, hidden]`.
    states: Vec<Tensor>,
    /// How many tokens come before the patches.
    before: usize,
}

impl ViltOutput {
    /// States of the image's patches after so many layers, or after the last if there are fewer:
    /// `[batch, patches, hidden]`.
    ///
    /// # Errors
    /// If there is no layer.
    pub fn patches_after(&self, layers: usize) -> Result<Tensor> {
        let at = layers.clamp(1, self.states.len().max(1)) - 1;
        let states = self.states.get(at).ok_or_else(|| {
            ModelError::Config("expected at least one layer, found none".to_owned())
        })?;
        let count = states.dim(1)? - self.before;
        Ok(states.narrow(1, self.before, count)?.contiguous()?)
    }
}

/// The network.
pub struct Vilt {
    word_embeddings: Embedding,
    text_positions: Tensor,
    token_types: Tensor,
    text_norm: LayerNorm,
    class_token: Tensor,
    patch_embedding: PatchEmbedding,
    image_positions: Tensor,
    patch_size: usize,
    modality: Tensor,
    encoder: Encoder,
    final_norm: LayerNorm,
    pooler: Linear,
    classifier_in: Linear,
    classifier_norm: LayerNorm,
    classifier_out: Linear,
}

impl Vilt {
    /// Builds the network; fresh parameters come from the builder's seed.
    ///
    /// # Errors
    /// If a tensor cannot be made.
    pub fn new(config: &ViltConfig, b: &Builder) -> Result<Self> {
        let vilt = b.pp("vilt");
        let embeddings = vilt.pp("embeddings");
        let text = embeddings.pp("text_embeddings");
        // Older files have the numbers from 0 on as a tensor.
        text.leave_out("position_ids");
        let (dim, eps) = (config.encoder.hidden_size, config.encoder.layer_norm_eps);
        let patches = patches_along(config.image_size, config.patch_size)?.pow(2);
        let small = Init::Normal(0.02);
        Ok(Self {
            word_embeddings: Embedding::new(
                config.vocab_size,
                dim,
                &text.pp("word_embeddings"),
                small,
            )?,
            text_positions: text.pp("position_embeddings").get(
                (config.max_position_embeddings, dim),
                "weight",
                small,
            )?,
            token_types: text
                .pp("token_type_embeddings")
                .get((2, dim), "weight", small)?,
            text_norm: LayerNorm::new(dim, eps, &text.pp("LayerNorm"))?,
            class_token: embeddings.get((1, 1, dim), "cls_token", small)?,
            patch_embedding: PatchEmbedding::new(
                dim,
                config.patch_size,
                true,
                &embeddings.pp("patch_embeddings.projection"),
            )?,
            image_positions: embeddings.get((1, patches + 1, dim), "position_embeddings", small)?,
            patch_size: config.patch_size,
            modality: embeddings
                .pp("token_type_embeddings")
                .get((2, dim), "weight", small)?,
            encoder: Encoder::new(&config.encoder, &LayerNames::VIT, &vilt.pp("encoder.layer"))?,
            final_norm: LayerNorm::new(dim, eps, &vilt.pp("layernorm"))?,
            pooler: Linear::new(dim, dim, true, &vilt.pp("pooler.dense"))?,
            classifier_in: Linear::new(dim, 2 * dim, true, &b.pp("classifier.0"))?,
            classifier_norm: LayerNorm::new(2 * dim, 1e-5, &b.pp("classifier.1"))?,
            classifier_out: Linear::new(
                2 * dim,
                config.answers.len(),
                true,
                &b.pp("classifier.3"),
            )?,
        })
    }

    /// One logit per answer, `[batch, answers]`; `ids` and `mask` are `[batch, length]`, `pixels`
    /// `[batch, 3, height, width]`, whole patches of any number.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn logits(&self, ids: &Tensor, mask: &Tensor, pixels: &Tensor) -> Result<Tensor> {
        self.logits_after(&self.early_states(ids, mask, pixels, 0)?, 0)
    }

    /// As [`Vilt::logits`], with the states on the way.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn forward(&self, ids: &Tensor, mask: &Tensor, pixels: &Tensor) -> Result<ViltOutput> {
        self.forward_after(&self.early_states(ids, mask, pixels, 0)?, 0)
    }

    /// What the first `layers` layers make of words and pixels.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn early_states(
        &self,
        ids: &Tensor,
        mask: &Tensor,
        pixels: &Tensor,
        layers: usize,
    ) -> Result<ViltStates> {
        let entering = self.embed(ids, mask, pixels)?;
        let (early, _) = self.encoder.split(layers);
        Ok(ViltStates {
            tokens: early.forward(&entering.tokens, Some(&entering.seen), false)?,
            ..entering
        })
    }

    /// As [`Vilt::logits`], from the states after the first `layers` layers.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn logits_after(&self, early: &ViltStates, layers: usize) -> Result<Tensor> {
        let (_, late) = self.encoder.split(layers);
        let x = late.forward_first(&early.tokens, Some(&early.seen))?;
        self.classify(&self.final_norm.forward(&x)?)
    }

    /// As [`Vilt::forward`], from the states after the first `layers` layers; states are those of the
    /// later ones.
    ///
    /// # Errors
    /// If shapes do not fit the configuration.
    pub fn forward_after(&self, early: &ViltStates, layers: usize) -> Result<ViltOutput> {
        let (_, late) = self.encoder.split(layers);
        let states = late.states(&early.tokens, Some(&early.seen))?;
        let last = self
            .final_norm
            .forward(states.last().unwrap_or(&early.tokens))?;
        Ok(ViltOutput {
            logits: self.classify(&last)?,
            states,
            before: early.words + 1,
        })
    }

    /// What enters the encoder for words at no position in particular, `[…, hidden]` for `[…]`
    /// ids.
    ///
    /// # Errors
    /// If an id is out of range.
    pub fn word_vectors(&self, ids: &Tensor) -> Result<Tensor> {
        let words = self.word_embeddings.forward(ids)?;
        self.text_norm
            .forward(&words.broadcast_add(&self.token_types.i(0)?)?)
    }

    /// What enters the encoder.
    fn embed(&self, ids: &Tensor, mask: &Tensor, pixels: &Tensor) -> Result<ViltStates> {
        let (batch, length) = ids.dims2()?;
        let words = self.word_embeddings.forward(ids)?;
        let positions = self.text_positions.narrow(0, 0, length)?;
        let words = words.broadcast_add(&positions.broadcast_add(&self.token_types.i(0)?)?)?;
        let words = self
            .text_norm
            .forward(&words)?
            .broadcast_add(&self.modality.i(0)?)?;

        let patches = self.patch_embedding.forward(pixels)?;
        let (_, count, dim) = patches.dims3()?;
        let class = self
            .class_token
            .broadcast_as((batch, 1, dim))?
            .contiguous()?;
        let (_, _, height, width) = pixels.dims4()?;
        let grid = [height / self.patch_size, width / self.patch_size];
        let patches = Tensor::cat(&[&class, &patches], 1)?
            .broadcast_add(&self.positions_of(grid)?)?
            .broadcast_add(&self.modality.i(1)?)?;

        let seen = Tensor::ones((batch, count + 1), DType::F32, mask.device())?;
        Ok(ViltStates {
            tokens: Tensor::cat(&[&words, &patches], 1)?,
            seen: Tensor::cat(&[mask, &seen], 1)?,
            words: length,
        })
    }

    /// Positions of the class token and of patches in rows and columns, `[1, 1 + patches, hidden]`:
    /// those that were learned, or for another shape of image, what lies between them.
    fn positions_of(&self, grid: [usize; 2]) -> Result<Tensor> {
        let (_, known, _) = self.image_positions.dims3()?;
        let side = (known - 1).isqrt();
        if grid == [side, side] {
            return Ok(self.image_positions.clone());
        }
        let places = bilinear(side, grid);
        let places = Tensor::from_vec(
            places,
            (grid[0] * grid[1], side * side),
            self.image_positions.device(),
        )?;
        let learned = self.image_positions.i(0)?.narrow(0, 1, side * side)?;
        let between = places
            .to_dtype(learned.dtype())?
            .matmul(&learned.contiguous()?)?
            .unsqueeze(0)?;
        let class = self.image_positions.narrow(1, 0, 1)?;
        Ok(Tensor::cat(&[&class, &between], 1)?)
    }

    /// From the first token's final state.
    fn classify(&self, x: &Tensor) -> Result<Tensor> {
        let pooled = self
            .pooler
            .forward(&x.i((.., 0, ..))?.contiguous()?)?
            .tanh()?;
        let inner = gelu(
            &self
                .classifier_norm
                .forward(&self.classifier_in.forward(&pooled)?)?,
        )?;
        self.classifier_out.forward(&inner)
    }
}

/// What each place of a grid of rows and columns, row by row, has of each place of a square of `side`
/// by `side`, corners on corners (`interpolate` with `align_corners` in torch): `[places, side²]`.
fn bilinear(side: usize, [rows, columns]: [usize; 2]) -> Vec<f32> {
    // The two nearest known places and their shares.
    let near = |at: usize, count: usize| {
        let at = at as f64 * (side - 1) as f64 / (count.max(2) - 1) as f64;
        let low = (at.floor() as usize).min(side - 1);
        let share = at - low as f64;
        [(low, 1.0 - share), ((low + 1).min(side - 1), share)]
    };
    let mut places = vec![0f32; rows * columns * side * side];
    for (place, shares) in places.chunks_exact_mut(side * side).enumerate() {
        for (y, of_row) in near(place / columns, rows) {
            for (x, of_column) in near(place % columns, columns) {
                shares[y * side + x] += (of_row * of_column) as f32;
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_between_those_that_were_learned() {
        // Two rows of three between the corners of two by two.
        let places = bilinear(2, [2, 3]);
        assert_eq!(places[..4], [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(places[4..8], [0.5, 0.5, 0.0, 0.0]);
        assert_eq!(places[20..], [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(bilinear(3, [1, 1])[0], 1.0);
    }

    #[test]
    fn published_answers_come_by_number() {
        let config = |answers: &str| {
            let usual = ViltConfig::USUAL.trim_end_matches('}');
            serde_json::from_str::<ViltConfig>(&format!("{usual}, {answers}}}"))
        };
        let answers = r#""id2label": {"1": "no", "0": "yes"}"#;
        assert_eq!(config(answers).unwrap().answers, ["yes", "no"]);
        assert_eq!(config(r#""answers": ["dog"]"#).unwrap().answers, ["dog"]);
        let error = config(r#""id2label": {"1": "no", "2": "yes"}"#).unwrap_err();
        assert!(error.to_string().contains("number 0"), "{error}");
    }
}
