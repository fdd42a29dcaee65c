//! What every patch is asked while the answer student is pretrained: which word is for what it
//! shows, and whether the question is about it.

use super::questions::Asked;
use super::views::SceneView;
use crate::alignment::Alignment;
use crate::loss::log_likelihood;
use crate::patch::{SHOWN, lies_in_middle, patch_center};
use candle_core::{Device, Tensor};
use sdvp_data::picto::{Category, Noun, SceneObject, Thing};
use sdvp_models::ModelError;
use sdvp_models::architectures::ViltOutput;
use sdvp_models::layers::Linear;
use sdvp_models::params::Builder;
use sdvp_modules::ViltModel;

type Result<T> = std::result::Result<T, ModelError>;

/// Weight of a patch that is asked about; there are few.
const ASKED: f32 = 4.0;

/// A patch is to resemble the words for what it shows (one or many, thing or category), and to know
/// at last whether the question is about it.
pub(super) struct PatchHeads {
    alignment: Alignment,
    asked: Linear,
}

/// The index of an object's word among the names of things, and among those of categories.
const WORD_OF: [fn(&SceneObject) -> usize; 4] = [
    |object| object.thing.index(),
    |object| object.thing.index(),
    |object| object.thing.category().index(),
    |object| object.thing.category().index(),
];
/// How many of either there are.
fn word_counts() -> [usize; 4] {
    let (things, categories) = (Thing::all().count(), Category::ALL.len());
    [things, things, categories, categories]
}

impl PatchHeads {
    pub(super) fn new(model: &ViltModel, b: &Builder) -> Result<Self> {
        let things = |name: fn(&Noun) -> String| -> Vec<String> {
            Thing::all().map(|it| name(&Noun::thing(it))).collect()
        };
        let categories = |name: fn(&Noun) -> String| -> Vec<String> {
            let all = Category::ALL.into_iter();
            all.map(|it| name(&Noun::category(it))).collect()
        };
        let words = [
            things(Noun::name),
            things(Noun::many),
            categories(Noun::name),
            categories(Noun::many),
        ];
        let hidden = model.config.encoder.hidden_size;
        Ok(Self {
            alignment: Alignment::learning(model, &words, b)?,
            asked: Linear::new(hidden, 2, true, &b.pp("patch_asked"))?,
        })
    }

    /// Cross-entropy of what patches show, a mean over patches and kinds of words, and of whether
    /// they are asked about.
    pub(super) fn losses(
        &self,
        model: &ViltModel,
        output: &ViltOutput,
        asked: &[(&SceneView, Asked)],
    ) -> Result<Tensor> {
        let last = output.patches_after(usize::MAX)?;
        let (_, count, hidden) = last.dims3()?;
        let rows = asked.len() * count;
        let shown: Vec<Option<&SceneObject>> = asked
            .iter()
            .flat_map(|(view, _)| (0..count).map(move |patch| shown(view, patch, count.isqrt())))
            .collect();
        let words = WORD_OF.iter().zip(word_counts()).map(|(word, none)| {
            let word = |object: &Option<&SceneObject>| object.map_or(none, word) as u32;
            shown.iter().map(word).collect()
        });
        let named = self
            .alignment
            .loss(model, output, asked.len(), words.collect(), None)?;

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
        let last = last.reshape((rows, hidden))?;
        let about = log_likelihood(&self.asked.forward(&last)?, about)?;
        let about = (about * weights)?.sum_all()?.neg()?;
        Ok((named + (about / f64::from(sum))?)?)
    }
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
