//! What the patches of labelled views show, learned beside the answers.

use crate::alignment::Alignment;
use crate::examples::{AnswerExample, LocateExample};
use crate::patch::{SHOWN, lies_in_middle, patch_center};
use candle_core::Tensor;
use sdvp_core::BBox;
use sdvp_models::ModelError;
use sdvp_models::architectures::ViltOutput;
use sdvp_models::params::{Builder, Params};
use sdvp_modules::ViltModel;

/// Teaches patches to resemble the words for what a teacher sees in them.
pub struct PatchNames {
    words: Vec<String>,
    alignment: Alignment,
    params: Params,
    weight: f64,
}

impl PatchNames {
    /// For a teacher's repertoire, of which the words count that are answers, too: names of things,
    /// not of kinds of things. `weight` is that of the loss beside the answers'.
    ///
    /// # Errors
    /// If a word cannot be read.
    pub fn new(
        model: &ViltModel,
        repertoire: Vec<String>,
        weight: f64,
        seed: u64,
    ) -> Result<Self, ModelError> {
        let mut words = repertoire;
        words.retain(|word| model.answer_index(word).is_some());
        let b = Builder::fresh(seed, &model.device);
        Ok(Self {
            alignment: Alignment::fixed(model, &words, &b)?,
            params: b.finish()?,
            words,
            weight,
        })
    }

    pub(super) fn params(&self) -> &Params {
        &self.params
    }

    /// The weighted loss of the labelled images, which come first in the batch.
    pub(super) fn loss(
        &self,
        model: &ViltModel,
        output: &ViltOutput,
        labelled: &[&AnswerExample],
    ) -> Result<Tensor, ModelError> {
        let patches = output.patches_after(usize::MAX)?.dim(1)?;
        let (mut shown, mut weights) = (Vec::new(), Vec::new());
        for example in labelled {
            for patch in 0..patches {
                let at = patch_center(patch, patches.isqrt());
                let word = example.seen.as_deref().and_then(|seen| self.word(seen, at));
                weights.push(f32::from(u8::from(word.is_some())));
                shown.push(word.unwrap_or(self.words.len()) as u32);
            }
        }
        let count = labelled.len();
        let loss = self
            .alignment
            .loss(model, output, count, vec![shown], Some(weights))?;
        Ok((loss * self.weight)?)
    }

    /// The index of the word for what a point shows, one more than the last for nothing; `None`
    /// where the teacher is not sure, or knows only the kind of thing.
    fn word(&self, seen: &LocateExample, at: (f32, f32)) -> Option<usize> {
        let from_middle = |bbox: &BBox| {
            let (x, y) = bbox.center();
            ((at.0 - x) / bbox.width()).powi(2) + ((at.1 - y) / bbox.height()).powi(2)
        };
        let showing = seen.objects.iter();
        let shown = showing
            .filter(|(bbox, _)| lies_in_middle(at, bbox, SHOWN))
            .min_by(|(a, _), (b, _)| from_middle(a).total_cmp(&from_middle(b)));
        match shown {
            Some((_, names)) => {
                let known = |name: &String| self.words.iter().position(|word| word == name);
                names.first().and_then(known)
            }
            None => {
                let mut unsure = seen.unsure.iter();
                let doubted = unsure.any(|(_, bbox)| lies_in_middle(at, bbox, 1.0));
                (!doubted).then_some(self.words.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{Image, View};
    use sdvp_modules::Student;
    use std::sync::Arc;

    fn vilt() -> Arc<ViltModel> {
        let student = Student::builtin().unwrap();
        Arc::clone(student.answer.vilt().unwrap())
    }

    /// A dog on the left, an animal of some name on the right, perhaps a cat below.
    fn example() -> AnswerExample {
        let view = View::whole(Image::new(image::RgbImage::new(96, 96)).unwrap());
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        AnswerExample {
            seen: Some(Arc::new(LocateExample {
                view: view.clone(),
                objects: vec![
                    (BBox::new(0.0, 0.0, 0.4, 0.4), names(&["dog", "animal"])),
                    (BBox::new(0.6, 0.0, 1.0, 0.4), names(&["animal"])),
                ],
                asked: names(&["cat", "dog", "animal"]),
                unsure: vec![("cat".to_owned(), BBox::new(0.0, 0.6, 0.4, 1.0))],
            })),
            view,
            question: "Is there a dog?".to_owned(),
            answers: vec![(0, 1.0)],
            weight: 1.0,
        }
    }

    #[test]
    fn patches_show_names_or_nothing_where_the_teacher_knows() {
        let model = vilt();
        let words = ["cat", "dog", "animal"].map(str::to_owned).to_vec();
        let names = PatchNames::new(&model, words, 1.0, 0).unwrap();
        assert_eq!(names.words, ["cat", "dog"], "animals are no answer");
        let example = example();
        let seen = example.seen.as_deref().unwrap();
        assert_eq!(names.word(seen, (0.2, 0.2)), Some(1));
        assert_eq!(names.word(seen, (0.8, 0.2)), None, "only the kind is known");
        assert_eq!(
            names.word(seen, (0.2, 0.8)),
            None,
            "the teacher is not sure"
        );
        assert_eq!(names.word(seen, (0.8, 0.8)), Some(2), "nothing");
    }

    #[test]
    fn patches_learn_and_words_stay() {
        let student = vilt();
        let model = student.duplicate(None).unwrap();
        let words = ["cat", "dog"].map(str::to_owned).to_vec();
        let names = PatchNames::new(&model, words, 1.0, 0).unwrap();
        let example = example();
        let output = model
            .forward(&[&example.view], &["Is there a dog?"])
            .unwrap();
        let loss = names.loss(&model, &output, &[&example]).unwrap();
        let gradients = loss.backward().unwrap();
        let size = |name: &str| {
            let gradient = gradients.get(model.params.get(name).unwrap())?;
            gradient
                .abs()
                .unwrap()
                .sum_all()
                .unwrap()
                .to_scalar::<f32>()
                .ok()
        };
        let early = size("vilt.encoder.layer.0.output.dense.weight").unwrap();
        assert!(early.is_finite() && early > 0.0, "{early}");
        assert_eq!(
            size("classifier.3.weight"),
            None,
            "answers are not concerned"
        );
    }
}
