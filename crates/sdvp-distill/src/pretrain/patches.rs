//! What every patch is asked while the answer student is pretrained: an answer is one hint a
//! picture, its patches are sixty-four.

use super::questions::Asked;
use super::views::SceneView;
use crate::loss::log_likelihood;
use crate::patch::{lies_in_middle, patch_center};
use candle_core::{DType, Device, Tensor};
use sdvp_data::picto::{Category, Noun, SceneObject, Thing};
use sdvp_models::ModelError;
use sdvp_models::architectures::ViltOutput;
use sdvp_models::layers::{LayerNorm, Linear};
use sdvp_models::params::Builder;
use sdvp_modules::AnswerModel;

type Result<T> = std::result::Result<T, ModelError>;

/// The part of an object's box, from its middle, in which a patch's centre counts as showing it.
const SHOWN: f32 = 0.8;
/// Layers after which a patch knows its name; what comes after can use it.
const NAMED_AFTER: usize = 5;
/// Weight of a patch that is asked about; there are few.
const ASKED: f32 = 4.0;

/// Words for what a patch may show, and which of them it does.
struct Words {
    /// Ids of each word.
    ids: Vec<Vec<u32>>,
    /// The index of an object's word.
    of: fn(&SceneObject) -> usize,
}

/// Aligns patches with words, as ViLT is published to be pretrained, but from exact boxes in place
/// of optimal transport: a patch is to resemble the words for what it shows (one or many, thing or
/// category), and to know at last whether the question is about it.
pub(super) struct PatchHeads {
    words: Vec<Words>,
    norm: LayerNorm,
    nothing: Linear,
    asked: Linear,
}

impl PatchHeads {
    pub(super) fn new(model: &AnswerModel, b: &Builder) -> Result<Self> {
        let ids = |name: String| -> Result<Vec<u32>> {
            let ids = model
                .tokenizer
                .encode(&name, model.config.max_position_embeddings)?;
            Ok(match ids.as_slice() {
                [_start, word @ .., _end] => word.to_vec(),
                _ => Vec::new(),
            })
        };
        let things = |name: fn(&Noun) -> String| -> Result<Vec<_>> {
            Thing::all().map(|it| ids(name(&Noun::thing(it)))).collect()
        };
        let categories = |name: fn(&Noun) -> String| -> Result<Vec<_>> {
            let all = Category::ALL.into_iter();
            all.map(|it| ids(name(&Noun::category(it)))).collect()
        };
        let thing: fn(&SceneObject) -> usize = |object| object.thing.index();
        let category: fn(&SceneObject) -> usize = |object| object.thing.category().index();
        let words = [
            (things(Noun::name)?, thing),
            (things(Noun::many)?, thing),
            (categories(Noun::name)?, category),
            (categories(Noun::many)?, category),
        ];
        let words = words.map(|(ids, of)| Words { ids, of });
        let hidden = model.config.encoder.hidden_size;
        Ok(Self {
            norm: LayerNorm::new(
                hidden,
                model.config.encoder.layer_norm_eps,
                &b.pp("patch_norm"),
            )?,
            nothing: Linear::new(hidden, words.len(), true, &b.pp("patch_nothing"))?,
            asked: Linear::new(hidden, 2, true, &b.pp("patch_asked"))?,
            words: words.into(),
        })
    }

    /// Cross-entropy of what patches show, a mean over patches and kinds of words, and of whether
    /// they are asked about.
    pub(super) fn losses(
        &self,
        model: &AnswerModel,
        output: &ViltOutput,
        asked: &[(&SceneView, Asked)],
    ) -> Result<Tensor> {
        let named = output.patches_after(NAMED_AFTER)?;
        let (_, count, hidden) = named.dims3()?;
        let rows = asked.len() * count;
        let shown: Vec<Option<&SceneObject>> = asked
            .iter()
            .flat_map(|(view, _)| (0..count).map(move |patch| shown(view, patch, count.isqrt())))
            .collect();

        let named = self.norm.forward(&named.reshape((rows, hidden))?)?;
        let nothing = self.nothing.forward(&named)?;
        let mut total = Tensor::zeros((), DType::F32, &Device::Cpu)?;
        for (index, words) in self.words.iter().enumerate() {
            let resembles = named.matmul(&vectors(model, &words.ids)?.t()?)?;
            let resembles = (resembles / (hidden as f64).sqrt())?;
            let logits = Tensor::cat(&[resembles, nothing.narrow(1, index, 1)?], 1)?;
            let none = words.ids.len();
            let classes = shown
                .iter()
                .map(|object| object.map_or(none, words.of) as u32)
                .collect();
            let loss = log_likelihood(&logits, classes)?.mean_all()?.neg()?;
            total = (total + (loss / self.words.len() as f64)?)?;
        }

        let about: Vec<u32> = asked
            .iter()
            .flat_map(|(_, asked)| std::iter::repeat_n(asked.question.about(), count))
            .zip(&shown)
            .map(|(about, object)| u32::from(object.is_some_and(|object| about.matches(object))))
            .collect();
        let weights: Vec<f32> = about
            .iter()
            .map(|&about| if about == 1 { ASKED } else { 1.0 })
            .collect();
        let sum: f32 = weights.iter().sum();
        let weights = Tensor::from_vec(weights, (rows, 1), &Device::Cpu)?;
        let last = output.patches_after(usize::MAX)?.reshape((rows, hidden))?;
        let about = log_likelihood(&self.asked.forward(&last)?, about)?;
        let about = (about * weights)?.sum_all()?.neg()?;
        Ok((total + (about / f64::from(sum))?)?)
    }
}

/// Vectors of words, the mean over the tokens of each: `[words, hidden]`.
fn vectors(model: &AnswerModel, ids: &[Vec<u32>]) -> Result<Tensor> {
    let longest = ids.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut padded = vec![0u32; ids.len() * longest];
    let mut shares = vec![0f32; ids.len() * longest];
    for (word, ids) in ids.iter().enumerate() {
        for (at, id) in ids.iter().enumerate() {
            padded[word * longest + at] = *id;
            shares[word * longest + at] = 1.0 / ids.len() as f32;
        }
    }
    let padded = Tensor::from_vec(padded, (ids.len(), longest), &Device::Cpu)?;
    let shares = Tensor::from_vec(shares, (ids.len(), longest, 1), &Device::Cpu)?;
    let vectors = model.network.word_vectors(&padded)?;
    Ok(vectors.broadcast_mul(&shares)?.sum(1)?)
}

/// The topmost object that a patch's centre shows.
fn shown(view: &SceneView, patch: usize, grid: usize) -> Option<&SceneObject> {
    let center = patch_center(patch, grid);
    let mut topmost_first = view.objects.iter().rev();
    topmost_first
        .find(|(_, bbox)| lies_in_middle(center, bbox, SHOWN))
        .map(|(object, _)| object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pretrain::questions::{ask_each, wording};
    use crate::pretrain::{untrained_answer, validation_views};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use sdvp_data::picto::SceneSpec;

    #[test]
    fn a_patch_shows_what_lies_at_its_centre() {
        for view in validation_views(&SceneSpec::default(), 0, 20) {
            for (object, bbox) in &view.objects {
                let (x, y) = bbox.center();
                let at = |v: f32| ((v * 8.0) as usize).min(7);
                let patch = at(y) * 8 + at(x);
                // Small boxes may lie between centres, and others in front.
                if bbox.width().min(bbox.height()) > 0.4 && view.objects.len() == 1 {
                    let shown = shown(&view, patch, 8).expect("a large box covers a centre");
                    assert_eq!(shown.thing, object.thing);
                }
            }
        }
    }

    #[test]
    fn aligning_teaches_words_and_early_layers() {
        let model = untrained_answer();
        let heads = PatchHeads::new(&model, &Builder::fresh(1, &Device::Cpu)).unwrap();
        let views = validation_views(&SceneSpec::default(), 0, 4);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let asked = ask_each(&views, &mut rng);
        let (seen, questions) = wording(&asked);
        let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
        let output = model.forward(&seen, &questions).unwrap();
        let loss = heads.losses(&model, &output, &asked).unwrap();
        assert!(loss.to_scalar::<f32>().unwrap() > 0.0);
        let gradients = loss.backward().unwrap();
        for name in [
            "vilt.embeddings.text_embeddings.word_embeddings.weight",
            "vilt.encoder.layer.0.output.dense.weight",
        ] {
            let gradient = gradients.get(model.params.get(name).unwrap()).unwrap();
            let size = gradient.abs().unwrap().sum_all().unwrap();
            let size = size.to_scalar::<f32>().unwrap();
            assert!(size.is_finite() && size > 0.0, "{name}");
        }
    }
}
