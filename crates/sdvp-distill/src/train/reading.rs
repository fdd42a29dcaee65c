//! The step beside answering for students that read texts beside pictures.

use super::texts::TextList;
use super::{Losses, Training, TrainingCurve, learn_and_rehearse};
use crate::error::Result;
use crate::examples::{MatchExample, RememberedMatch};
use crate::loss::{fit_divergence, fit_loss};
use candle_core::Tensor;
use sdvp_core::View;
use sdvp_models::ModelError;
use sdvp_modules::BlipMatchModel;

/// Teaches `model` the examples while it rehearses what it remembers, as
/// [`train_match`](super::train_match) does.
///
/// # Errors
/// If the network fails or its gradients are not finite.
pub fn train_reading(
    model: &mut BlipMatchModel,
    examples: &[MatchExample],
    memory: &[&RememberedMatch],
    training: &Training<'_>,
) -> Result<TrainingCurve> {
    learn_and_rehearse(model, None, examples, memory, training, losses)
}

/// Both losses of one batch, from one forward pass over the pairs of a view and a text of which something
/// is said.
fn losses(
    model: &BlipMatchModel,
    labelled: &[&MatchExample],
    remembered: &[&RememberedMatch],
) -> Losses {
    let mut list = TextList::default();
    let (mut pairs, mut said) = (Vec::new(), Vec::<f32>::new());
    let labels = labelled.iter().map(|it| (&it.texts, &it.fits));
    let memories = remembered.iter().map(|it| (&it.texts, &it.logits));
    for (view, (texts, values)) in (0u32..).zip(labels.chain(memories)) {
        pairs.extend(texts.iter().map(|text| (view, list.row(text))));
        said.extend(values);
    }
    let views: Vec<&View> = labelled
        .iter()
        .map(|it| &it.view)
        .chain(remembered.iter().map(|it| &it.view))
        .collect();
    let logits = model.pair_logits(&views, &list.texts(), &pairs)?;
    let said = Tensor::new(said, &model.device)?;
    let taught: usize = labelled.iter().map(|it| it.texts.len()).sum();
    // Both losses are of tables, and divided by their rows: here of a view for every pair.
    let rows = |values: &Tensor, from: usize, count: usize| -> candle_core::Result<Tensor> {
        values.narrow(0, from, count)?.unsqueeze(1)
    };
    let mean =
        |loss: Tensor, pairs: usize, views: usize| -> std::result::Result<Tensor, ModelError> {
            Ok((loss * (pairs as f64 / views.max(1) as f64))?)
        };
    let (now, wanted) = (rows(&logits, 0, taught)?, rows(&said, 0, taught)?);
    let loss = fit_loss(&now, &wanted, &wanted.ones_like()?)?;
    let loss = mean(loss, taught, labelled.len())?;
    if remembered.is_empty() {
        return Ok((loss, None));
    }
    let known = pairs.len() - taught;
    let (now, before) = (rows(&logits, taught, known)?, rows(&said, taught, known)?);
    let divergence = fit_divergence(&now, &before, &before.ones_like()?)?;
    Ok((loss, Some(mean(divergence, known, remembered.len())?)))
}

#[cfg(test)]
mod tests {
    use super::super::blips::{fresh, views};
    use super::*;
    use crate::observer::Silent;
    use crate::rehearsal::remember_matches;
    use crate::settings::{DistillSettings, StepSettings};
    use sdvp_core::SubTask;
    use sdvp_models::architectures::BlipMatch;
    use sdvp_modules::{MatchModel, TrainMethod};
    use std::sync::Arc;

    /// Two views, of which more or less is said.
    fn examples() -> Vec<MatchExample> {
        let said: [&[(&str, f32)]; 2] = [
            &[("dog", 1.0), ("red car", 0.0), ("cat", 0.0)],
            &[("dog", 0.0), ("red car", 1.0)],
        ];
        let examples = views(2)
            .into_iter()
            .zip(said)
            .map(|(view, said)| MatchExample {
                view,
                texts: said.iter().map(|(text, _)| (*text).to_owned()).collect(),
                fits: said.iter().map(|(_, fits)| *fits).collect(),
            });
        examples.collect()
    }

    #[test]
    fn what_fits_is_learned_and_what_is_rehearsed_stays() {
        let student = Arc::new(fresh::<BlipMatch>(1));
        let calls: Vec<SubTask> = views(5)
            .into_iter()
            .skip(2)
            .flat_map(|view| ["blue hat", "dog"].map(|text| SubTask::matching(view.clone(), text)))
            .collect();
        let model = MatchModel::Blip(Arc::clone(&student));
        let memory = remember_matches(&calls, &model, 2, 1).unwrap();
        assert_eq!(memory.len(), 3);
        let memory: Vec<&RememberedMatch> = memory.iter().collect();
        let examples = examples();
        let labelled: Vec<&MatchExample> = examples.iter().collect();
        let both = |model: &BlipMatchModel| -> [f32; 2] {
            let (loss, divergence) = losses(model, &labelled, &memory).unwrap();
            [loss, divergence.unwrap()].map(|loss| loss.to_scalar().unwrap())
        };
        let learn = |lambda: f64| {
            let mut model = student.duplicate(None).unwrap();
            let settings = StepSettings {
                steps: 60,
                batch: 2,
                rehearsed: 3,
                learning_rate: 3e-3,
                anchor: 0.0,
                lambda,
                method: TrainMethod::Full,
                ..DistillSettings::default().matching
            };
            let training = Training {
                settings: &settings,
                seed: 3,
                observer: &Silent,
                kept: None,
            };
            train_reading(&mut model, &examples, &memory, &training).unwrap();
            both(&model)
        };
        let [before, same] = both(&student);
        assert!(same < 1e-9, "{same}");
        let ([held, kept], [free, lost]) = (learn(5.0), learn(0.0));
        assert!(
            held < before / 2.0 && free < before / 2.0,
            "{before} {held} {free}"
        );
        assert!(kept < lost, "{kept} {lost}");
    }
}
