//! What is remembered of views that were compared with texts.

use super::TRIED;
use super::texts::KnownTexts;
use crate::error::Result;
use crate::examples::RememberedMatch;
use sdvp_core::{SubTask, View};
use sdvp_models::ModelError;
use sdvp_modules::{BlipMatchModel, ClipModel, MatchModel};

/// What the student says of texts about every view of the calls: of those asked there, and of `others`.
/// One that compares is tried with many, and half of the others are those of which it is surest, as in
/// [`remember_views`](super::remember_views); for one that reads each text beside each picture that would
/// take too long, and all others are drawn.
///
/// # Errors
/// If the student fails.
pub fn remember_matches(
    calls: &[SubTask],
    student: &MatchModel,
    others: usize,
    seed: u64,
) -> Result<Vec<RememberedMatch>> {
    match student {
        MatchModel::Clip(student) => compared(calls, &student.frozen()?, others, seed),
        MatchModel::Blip(student) => read(calls, &student.frozen()?, others, seed),
    }
}

fn compared(
    calls: &[SubTask],
    student: &ClipModel,
    others: usize,
    seed: u64,
) -> Result<Vec<RememberedMatch>> {
    let known = KnownTexts::of(calls);
    let vectors = known.vectors(|texts| student.text_vectors(texts))?;
    known.by_view(calls, seed, |views, rng| {
        let tried = known.tried(views, TRIED, rng);
        let seen: Vec<&View> = views.iter().map(|(view, _)| view).collect();
        let images = student.image_vectors(&seen)?.detach();
        let logits = student.logits(&images, &tried.rows(&vectors)?)?;
        let logits = logits.to_vec2::<f32>()?;
        let remembered = views.iter().zip(logits).map(|((view, asked), logits)| {
            let texts = tried.chosen(asked, &logits, others, rng);
            RememberedMatch {
                view: view.clone(),
                logits: texts.iter().map(|&column| logits[column]).collect(),
                texts: texts.iter().map(|&c| tried.name(&known, c)).collect(),
            }
        });
        Ok(remembered.collect())
    })
}

fn read(
    calls: &[SubTask],
    student: &BlipMatchModel,
    others: usize,
    seed: u64,
) -> Result<Vec<RememberedMatch>> {
    let known = KnownTexts::of(calls);
    known.by_view(calls, seed, |views, rng| {
        let remembered = views.iter().map(|asked| {
            let texts = known.tried(std::slice::from_ref(asked), others, rng);
            let texts = texts.names(&known);
            let pairs: Vec<(u32, u32)> = (0..texts.len() as u32).map(|text| (0, text)).collect();
            let logits = student.pair_logits(&[&asked.0], &texts, &pairs)?;
            Ok(RememberedMatch {
                view: asked.0.clone(),
                logits: logits.to_vec1()?,
                texts: texts.into_iter().map(str::to_owned).collect(),
            })
        });
        remembered.collect::<std::result::Result<Vec<_>, ModelError>>()
    })
}
