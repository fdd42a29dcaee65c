//! The second step: teaching a student to choose answers.

use super::{Losses, PatchNames, Training, TrainingCurve, learn_and_rehearse};
use crate::error;
use crate::examples::{AnswerExample, RememberedAnswer};
use crate::loss::{answer_divergence, soft_cross_entropy};
use candle_core::Tensor;
use sdvp_core::View;
use sdvp_modules::ViltModel;

/// What of labelled questions is learned.
pub struct AnswerObjective {
    /// Answers are compared at this temperature.
    pub temperature: f64,
    /// What patches show, learned beside the answers.
    pub patches: Option<PatchNames>,
}

/// Teaches `model` the examples while it rehearses what it remembers: `L = L_labels + λ · L_rehearsal`.
///
/// # Errors
/// If the network fails or its gradients are not finite.
pub fn train_answer(
    model: &mut ViltModel,
    objective: &AnswerObjective,
    examples: &[AnswerExample],
    memory: &[&RememberedAnswer],
    training: &Training<'_>,
) -> error::Result<TrainingCurve> {
    learn_and_rehearse(
        model,
        objective.patches.as_ref().map(PatchNames::params),
        examples,
        memory,
        training,
        |model, labelled, remembered| losses(model, objective, labelled, remembered),
    )
}

/// Both losses of one batch.
fn losses(
    model: &ViltModel,
    objective: &AnswerObjective,
    labelled: &[&AnswerExample],
    remembered: &[&RememberedAnswer],
) -> Losses {
    let views: Vec<&View> = labelled.iter().map(|e| &e.view).collect();
    let questions: Vec<&str> = labelled.iter().map(|e| e.question.as_str()).collect();
    let (logits, named) = match &objective.patches {
        Some(patches) => {
            let output = model.forward(&views, &questions)?;
            let named = patches.loss(model, &output, labelled)?;
            (output.logits, Some(named))
        }
        None => (model.logits(&views, &questions)?, None),
    };
    let (count, answers) = (labelled.len(), model.config.answers.len());
    let mut targets = vec![0f32; count * answers];
    let temperature = objective.temperature;
    for (row, example) in labelled.iter().enumerate() {
        for (answer, probability) in softened(&example.answers, temperature) {
            targets[row * answers + answer] = probability;
        }
    }
    let weights: Vec<f32> = labelled.iter().map(|example| example.weight).collect();
    let loss = soft_cross_entropy(
        &(logits / temperature)?,
        &Tensor::from_vec(targets, (count, answers), &model.device)?,
        &Tensor::from_vec(weights, count, &model.device)?,
    )?;
    // Gradients are as great as at a temperature of 1.
    let loss = (loss * temperature.powi(2))?;
    let loss = match named {
        Some(named) => (loss + named)?,
        None => loss,
    };
    if remembered.is_empty() {
        return Ok((loss, None));
    }
    let before: Vec<&[f32]> = remembered
        .iter()
        .map(|r| r.chosen())
        .collect::<Result<_, _>>()?;
    let before: Vec<f32> = before.concat();
    let before = Tensor::from_vec(before, (remembered.len(), answers), &model.device)?;
    // By themselves: of these nothing but the answer is wanted, which costs less.
    let views: Vec<&View> = remembered.iter().map(|r| &r.view).collect();
    let questions: Vec<&str> = remembered.iter().map(|r| r.question.as_str()).collect();
    let now = model.logits(&views, &questions)?;
    Ok((loss, Some(answer_divergence(&now, &before)?)))
}

/// A distribution at a temperature: `pᵢ^(1/T)`, scaled to sum to 1.
pub(super) fn softened(answers: &[(usize, f32)], temperature: f64) -> Vec<(usize, f32)> {
    let soft = |p: f32| f64::from(p).powf(1.0 / temperature);
    let total: f64 = answers.iter().map(|(_, p)| soft(*p)).sum();
    let share = |&(answer, p): &(usize, f32)| (answer, (soft(p) / total.max(1e-12)) as f32);
    answers.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::softened;

    #[test]
    fn temperature_evens_out_and_one_changes_nothing() {
        let sharp = [(3, 0.8), (1, 0.2)];
        let same = softened(&sharp, 1.0);
        assert!((same[0].1 - 0.8).abs() < 1e-6 && same[1].0 == 1);
        // √0.8 : √0.2 = 2 : 1
        let even = softened(&sharp, 2.0);
        assert!((even[0].1 - 2.0 / 3.0).abs() < 1e-5, "{even:?}");
    }
}
