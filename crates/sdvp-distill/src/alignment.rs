//! Patches and words: what a patch of an image shows, it is to resemble the word for. An answer is
//! one hint a picture, its patches are sixty-four (Kim et al. 2021, arXiv 2102.03334, align words
//! and patches by optimal transport; here boxes say which belong together).

use crate::loss::log_likelihood;
use candle_core::{DType, Tensor};
use sdvp_models::ModelError;
use sdvp_models::architectures::ViltOutput;
use sdvp_models::layers::{LayerNorm, Linear};
use sdvp_models::params::Builder;
use sdvp_modules::ViltModel;

type Result<T> = std::result::Result<T, ModelError>;

/// Layers after which a patch knows its name; what comes after can use it.
const NAMED_AFTER: usize = 5;

/// Words of one kind, of which a patch shows one or nothing.
enum Words {
    /// Ids of each word's tokens; their vectors learn to resemble patches, too.
    Learning(Vec<Vec<u32>>),
    /// Vectors, `[words, hidden]`.
    Fixed(Tensor),
}

/// What patches are compared by: words of one or several kinds, and "nothing" for each kind.
pub(crate) struct Alignment {
    kinds: Vec<Words>,
    norm: LayerNorm,
    nothing: Linear,
}

impl Alignment {
    /// Words whose vectors learn, too.
    pub(crate) fn learning(model: &ViltModel, kinds: &[Vec<String>], b: &Builder) -> Result<Self> {
        let ids = kinds.iter().map(|words| tokens(model, words));
        let kinds = ids.map(|ids| Ok(Words::Learning(ids?)));
        Self::new(model, kinds.collect::<Result<_>>()?, b)
    }

    /// Words as `model` knows them now; only patches learn.
    pub(crate) fn fixed(model: &ViltModel, words: &[String], b: &Builder) -> Result<Self> {
        let vectors = vectors(model, &tokens(model, words)?)?.detach();
        Self::new(model, vec![Words::Fixed(vectors)], b)
    }

    fn new(model: &ViltModel, kinds: Vec<Words>, b: &Builder) -> Result<Self> {
        let encoder = &model.config.encoder;
        let (hidden, eps) = (encoder.hidden_size, encoder.layer_norm_eps);
        Ok(Self {
            norm: LayerNorm::new(hidden, eps, &b.pp("patch_norm"))?,
            nothing: Linear::new(hidden, kinds.len(), true, &b.pp("patch_nothing"))?,
            kinds,
        })
    }

    /// Cross-entropy of what patches show, a mean over patches and kinds of words. `shown` holds
    /// for every kind the index of each patch's word, image by image; one more than the last word
    /// is nothing. `weights` are the patches', all the same if there are none.
    pub(crate) fn loss(
        &self,
        model: &ViltModel,
        output: &ViltOutput,
        images: usize,
        shown: Vec<Vec<u32>>,
        weights: Option<Vec<f32>>,
    ) -> Result<Tensor> {
        let named = output.patches_after(NAMED_AFTER)?.narrow(0, 0, images)?;
        let (_, patches, hidden) = named.dims3()?;
        let rows = images * patches;
        let named = self
            .norm
            .forward(&named.contiguous()?.reshape((rows, hidden))?)?;
        let nothing = self.nothing.forward(&named)?;
        let weights = weights.unwrap_or_else(|| vec![1.0; rows]);
        let sum = weights.iter().sum::<f32>().max(1.0);
        let weights = Tensor::from_vec(weights, (rows, 1), named.device())?;
        let mut total = Tensor::zeros((), DType::F32, named.device())?;
        for (index, (words, shown)) in self.kinds.iter().zip(shown).enumerate() {
            let vectors = match words {
                Words::Learning(ids) => vectors(model, ids)?,
                Words::Fixed(vectors) => vectors.clone(),
            };
            let resembles = (named.matmul(&vectors.t()?)? / (hidden as f64).sqrt())?;
            let logits = Tensor::cat(&[resembles, nothing.narrow(1, index, 1)?], 1)?;
            let each = (log_likelihood(&logits, shown)? * &weights)?;
            let loss = (each.sum_all()?.neg()? / f64::from(sum))?;
            total = (total + (loss / self.kinds.len() as f64)?)?;
        }
        Ok(total)
    }
}

/// Ids of each word's tokens, without start and end.
fn tokens(model: &ViltModel, words: &[String]) -> Result<Vec<Vec<u32>>> {
    let longest = model.config.max_position_embeddings;
    let ids = |word: &String| -> Result<Vec<u32>> {
        Ok(match model.tokenizer.encode(word, longest)?.as_slice() {
            [_start, word @ .., _end] => word.to_vec(),
            _ => Vec::new(),
        })
    };
    words.iter().map(ids).collect()
}

/// Vectors of words, the mean over the tokens of each: `[words, hidden]`.
fn vectors(model: &ViltModel, ids: &[Vec<u32>]) -> Result<Tensor> {
    let longest = ids.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut padded = vec![0u32; ids.len() * longest];
    let mut shares = vec![0f32; ids.len() * longest];
    for (word, ids) in ids.iter().enumerate() {
        for (at, id) in ids.iter().enumerate() {
            padded[word * longest + at] = *id;
            shares[word * longest + at] = 1.0 / ids.len() as f32;
        }
    }
    let padded = Tensor::from_vec(padded, (ids.len(), longest), &model.device)?;
    let shares = Tensor::from_vec(shares, (ids.len(), longest, 1), &model.device)?;
    let vectors = model.network.word_vectors(&padded)?;
    Ok(vectors.broadcast_mul(&shares)?.sum(1)?)
}
