//! What a pretrained answer student knows, family by family of questions.

use super::questions::{ask_each, wording};
use super::views::validation_views;
use crate::error::Result;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sdvp_data::picto::SceneSpec;
use sdvp_models::ModelError;
use sdvp_modules::ViltModel;
use std::collections::BTreeMap;

/// Views that go through the network together.
const BATCH: usize = 32;

/// Share of questions about `count` validation views that a student answers right, for each
/// family of questions; families that were not asked are missing.
///
/// # Errors
/// If the student fails.
pub fn answer_accuracy(
    model: &ViltModel,
    spec: &SceneSpec,
    count: usize,
) -> Result<Vec<(&'static str, f32)>> {
    let mut counts: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    for chunk in 0..count.div_ceil(BATCH) {
        let views = validation_views(spec, (chunk * BATCH) as u64, BATCH);
        let asked = ask_each(&views, &mut rng);
        let (pixels, questions) = wording(&asked);
        let questions: Vec<&str> = questions.iter().map(String::as_str).collect();
        let logits = model.logits(&pixels, &questions)?.detach();
        let best = logits.argmax(1).and_then(|best| best.to_vec1::<u32>());
        for ((_, asked), best) in asked.iter().zip(best.map_err(ModelError::from)?) {
            let (right, all) = counts.entry(asked.question.family()).or_default();
            *right += usize::from(model.config.answers.get(best as usize) == Some(&asked.answer));
            *all += 1;
        }
    }
    Ok(counts
        .into_iter()
        .map(|(family, (right, all))| (family, right as f32 / all as f32))
        .collect())
}
