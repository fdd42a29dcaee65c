//! The second step: teaching a student to answer.

use super::{Losses, TrainingCurve, learn_and_rehearse};
use crate::error::Result;
use crate::examples::{AnswerExample, RememberedAnswer};
use crate::loss::{answer_divergence, soft_cross_entropy};
use crate::observer::Observer;
use crate::settings::StepSettings;
use candle_core::{Device, Tensor};
use sdvp_core::View;
use sdvp_modules::AnswerModel;

/// Teaches `model` the examples for the given number of steps while it rehearses what it
/// remembers: `L = L_labels + λ · L_rehearsal`.
///
/// # Errors
/// If the network fails or its gradients are not finite.
pub fn train_answer(
    model: &mut AnswerModel,
    examples: &[AnswerExample],
    memory: &[RememberedAnswer],
    settings: &StepSettings,
    seed: u64,
    observer: &dyn Observer,
) -> Result<TrainingCurve> {
    learn_and_rehearse(model, examples, memory, settings, seed, observer, losses)
}

/// Both losses of one batch, from one forward pass.
fn losses(
    model: &AnswerModel,
    labelled: &[&AnswerExample],
    remembered: &[&RememberedAnswer],
) -> Losses {
    let views: Vec<&View> = labelled
        .iter()
        .map(|e| &e.view)
        .chain(remembered.iter().map(|r| &r.view))
        .collect();
    let questions: Vec<&str> = labelled
        .iter()
        .map(|e| e.question.as_str())
        .chain(remembered.iter().map(|r| r.question.as_str()))
        .collect();
    let logits = model.logits(&views, &questions)?;
    let (count, answers) = (labelled.len(), model.config.answers.len());
    let mut targets = vec![0f32; count * answers];
    for (row, example) in labelled.iter().enumerate() {
        for &(answer, probability) in &example.answers {
            targets[row * answers + answer] = probability;
        }
    }
    let loss = soft_cross_entropy(
        &logits.narrow(0, 0, count)?,
        &Tensor::from_vec(targets, (count, answers), &Device::Cpu)?,
        &Tensor::ones(count, candle_core::DType::F32, &Device::Cpu)?,
    )?;
    if remembered.is_empty() {
        return Ok((loss, None));
    }
    let before: Vec<f32> = remembered
        .iter()
        .flat_map(|r| r.logits.iter().copied())
        .collect();
    let before = Tensor::from_vec(before, (remembered.len(), answers), &Device::Cpu)?;
    let now = logits.narrow(0, count, remembered.len())?;
    Ok((loss, Some(answer_divergence(&now, &before)?)))
}
