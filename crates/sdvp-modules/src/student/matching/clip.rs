//! CLIP, which compares pictures with texts: what it says to learn from, and behind the [`Module`] trait.

use crate::batch::outcomes_of;
use crate::error::Result;
use crate::student::memory::Memory;
use crate::student::{ClipModel, FrozenModel};
use candle_core::Tensor;
use sdvp_core::{Digest, Module, ModuleError, Outcome, SubTask, SubTaskKind, View};
use sdvp_models::architectures::Clip;
use sdvp_models::{ModelError, TokenBatch};
use std::collections::HashMap;
use std::sync::Arc;

impl ClipModel {
    /// Unit vectors of views, `[views, projection]`.
    ///
    /// # Errors
    /// If a view cannot be prepared.
    pub fn image_vectors(&self, views: &[&View]) -> std::result::Result<Tensor, ModelError> {
        let (states, layers) = self.early_views(views, Clip::early_states)?;
        self.network.vectors_after(&states, layers)
    }

    /// Unit vectors of texts, `[texts, projection]`.
    ///
    /// # Errors
    /// If a text cannot be tokenized.
    pub fn text_vectors(&self, texts: &[&str]) -> std::result::Result<Tensor, ModelError> {
        self.read_texts(texts, |network, texts| {
            let tokens = self.tokens(texts)?;
            network.text_vectors(&tokens.ids, &tokens.last)
        })
    }

    /// Logits that texts fit views, each on its own, `[views, texts]`: above 0 the text fits.
    ///
    /// # Errors
    /// If widths differ.
    pub fn logits(
        &self,
        images: &Tensor,
        texts: &Tensor,
    ) -> std::result::Result<Tensor, ModelError> {
        let similar = self.network.logits(images, texts)?;
        Ok((similar - f64::from(self.config.fits_from))?)
    }

    fn tokens(&self, texts: &[&str]) -> std::result::Result<TokenBatch, ModelError> {
        let longest = self.config.text_config.max_position_embeddings;
        self.tokenizer.batch(texts, longest, &self.device)
    }
}

/// A picture's or a text's vector.
type Vector = Arc<[f32]>;

/// Matches with a frozen [`ClipModel`]. A picture's vector is computed once, however many texts it
/// is compared with, and so is a text's.
pub struct MatchStudent {
    model: ClipModel,
    /// What a cosine is multiplied with to be a logit.
    scale: f32,
    fingerprint: Digest,
    images: Memory<Digest, Vector>,
    texts: Memory<String, Vector>,
}

/// Vectors that are kept, of pictures and of texts.
const KEPT: usize = 8192;
/// Views that go through the image tower together: few enough that what is between two layers stays
/// in a core's cache. Batches run in parallel.
const IMAGES_AT_ONCE: usize = 6;
/// Texts that go through the text tower together.
const TEXTS_AT_ONCE: usize = 64;

impl MatchStudent {
    /// Freezes a model. It must not be trained while this lives.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn new(model: &ClipModel) -> Result<Self> {
        Self::with_memory(model, KEPT)
    }

    /// As [`MatchStudent::new`], keeping from call to call the vectors of at most `kept` views and as
    /// many texts; 0 for none.
    ///
    /// # Errors
    /// If the parameters cannot be read.
    pub fn with_memory(model: &ClipModel, kept: usize) -> Result<Self> {
        Self::remembering(FrozenModel::of(model)?, kept)
    }

    /// Of a model that is frozen already.
    ///
    /// # Errors
    /// If its scale cannot be read.
    pub fn of(frozen: FrozenModel<Clip>) -> Result<Self> {
        Self::remembering(frozen, KEPT)
    }

    fn remembering(frozen: FrozenModel<Clip>, kept: usize) -> Result<Self> {
        let FrozenModel { model, fingerprint } = frozen;
        Ok(Self {
            fingerprint,
            scale: model.network.scale()?,
            model,
            images: Memory::new(kept),
            texts: Memory::new(kept),
        })
    }

    fn scores(&self, tasks: &[&SubTask]) -> std::result::Result<Vec<f32>, ModelError> {
        let views: HashMap<Digest, &View> = tasks
            .iter()
            .map(|task| (task.view.digest(), &task.view))
            .collect();
        let digests = views.keys().copied();
        let images = self
            .images
            .get_or_compute(digests, IMAGES_AT_ONCE, |digests| {
                let pixels: Vec<&View> = digests.iter().map(|digest| views[digest]).collect();
                let pixels = self.model.processor.batch(&pixels, &self.model.device)?;
                vectors(&self.model.network.image_vectors(&pixels)?)
            })?;
        let texts = tasks.iter().map(|task| task.text.clone());
        let texts = self.texts.get_or_compute(texts, TEXTS_AT_ONCE, |texts| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let tokens = self.model.tokens(&texts)?;
            vectors(&self.model.network.text_vectors(&tokens.ids, &tokens.last)?)
        })?;
        let score = |task: &&SubTask| {
            let image = images.get(&task.view.digest())?;
            let cosine: f32 = image
                .iter()
                .zip(texts.get(&task.text)?.iter())
                .map(|(a, b)| a * b)
                .sum();
            let logit = self.scale * cosine - self.model.config.fits_from;
            Some(1.0 / (1.0 + (-logit).exp()))
        };
        Ok(tasks.iter().filter_map(score).collect())
    }
}

fn vectors(rows: &Tensor) -> std::result::Result<Vec<Vector>, ModelError> {
    let rows = rows.to_vec2::<f32>()?;
    Ok(rows.into_iter().map(Vector::from).collect())
}

impl Module for MatchStudent {
    fn name(&self) -> &str {
        "clip student"
    }

    fn answers(&self) -> &[SubTaskKind] {
        &[SubTaskKind::Match]
    }

    fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    fn run(&self, batch: &[SubTask]) -> Vec<std::result::Result<Outcome, ModuleError>> {
        outcomes_of(self, SubTaskKind::Match, batch, |tasks| {
            let scores = self.scores(tasks)?.into_iter();
            Ok(scores.map(Outcome::Score).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Student;
    use sdvp_core::Image;

    fn clip() -> Arc<ClipModel> {
        let student = Student::builtin().unwrap();
        Arc::clone(student.matching.clip().unwrap())
    }

    fn views() -> Vec<View> {
        let picture = |side: u32| {
            let pixel = |x: u32, y: u32| image::Rgb([(x * 5) as u8, (y * 3) as u8, side as u8]);
            Image::new(image::RgbImage::from_fn(side, side, pixel)).unwrap()
        };
        [40, 64].map(|side| picture(side).view()).to_vec()
    }

    #[test]
    fn scores_are_those_of_the_network_in_any_batch() {
        let model = clip();
        let (views, texts) = (views(), ["dog", "red car", "instrument"]);
        let seen: Vec<&View> = views.iter().collect();
        let (images, words) = (
            model.image_vectors(&seen).unwrap(),
            model.text_vectors(&texts).unwrap(),
        );
        let logits = model.logits(&images, &words).unwrap();
        let logits = logits.to_vec2::<f32>().unwrap();

        let student = MatchStudent::new(&model).unwrap();
        let mut tasks = Vec::new();
        for view in &views {
            tasks.extend(texts.map(|text| SubTask::matching(view.clone(), text)));
        }
        let together = student.run(&tasks);
        for (at, (task, outcome)) in tasks.iter().zip(&together).enumerate() {
            let logit = logits[at / texts.len()][at % texts.len()];
            let Ok(Outcome::Score(score)) = outcome else {
                panic!("{outcome:?}");
            };
            assert!((score - 1.0 / (1.0 + (-logit).exp())).abs() < 1e-5);
            let forgetful = MatchStudent::with_memory(&model, 0).unwrap();
            let alone = forgetful.run(std::slice::from_ref(task)).remove(0);
            let Ok(Outcome::Score(alone)) = alone else {
                panic!("{alone:?}");
            };
            assert!((score - alone).abs() < 1e-5, "{score} and {alone}");
        }
    }

    #[test]
    fn other_kinds_fail_alone() {
        let student = MatchStudent::new(&clip()).unwrap();
        let view = views().remove(0);
        let outcomes = student.run(&[
            SubTask::locate(view.clone(), "dog"),
            SubTask::matching(view, "dog"),
        ]);
        assert!(matches!(outcomes[0], Err(ModuleError::WrongKind { .. })));
        assert!(matches!(outcomes[1], Ok(Outcome::Score(_))));
    }
}
