//! What is remembered of questions.

use super::AT_ONCE;
use crate::error::Result;
use crate::examples::{RememberedAnswer, SaidBefore, WrittenBefore};
use candle_core::Tensor;
use rayon::prelude::*;
use sdvp_core::{SubTask, View};
use sdvp_models::ModelError;
use sdvp_models::layers::log_softmax;
use sdvp_modules::{AnswerModel, WritingModel};

/// Calls of which a network that reads picture and question word by word says what it says together: for
/// each it holds in memory what every layer has read.
const READ_AT_ONCE: usize = 2;
/// Words that are remembered of what might have stood at each word's place.
const LIKELY: usize = 32;

/// What the student answers to each call.
///
/// # Errors
/// If the student fails.
pub fn remember_answers(calls: &[SubTask], student: &AnswerModel) -> Result<Vec<RememberedAnswer>> {
    match student {
        AnswerModel::Vilt(student) => {
            let student = student.frozen()?;
            remember(calls, AT_ONCE, |views, questions| {
                let logits = student.logits(views, questions)?.to_vec2::<f32>()?;
                Ok(logits.into_iter().map(SaidBefore::Chosen).collect())
            })
        }
        AnswerModel::Blip(student) => {
            let student = student.frozen()?;
            remember(calls, AT_ONCE, |views, questions| {
                written(&student, views, questions)
            })
        }
        AnswerModel::Qwen3Vl(student) => {
            let student = student.frozen()?;
            // What it cannot be asked it has said nothing to.
            let calls = calls
                .iter()
                .filter(|it| student.can_read(&it.view, &it.text));
            let calls: Vec<SubTask> = calls.cloned().collect();
            remember(&calls, READ_AT_ONCE, |views, questions| {
                written(&student, views, questions)
            })
        }
    }
}

fn remember(
    calls: &[SubTask],
    at_once: usize,
    say: impl Fn(&[&View], &[&str]) -> std::result::Result<Vec<SaidBefore>, ModelError> + Sync,
) -> Result<Vec<RememberedAnswer>> {
    let remembered: Vec<Vec<RememberedAnswer>> = calls
        .par_chunks(at_once)
        .map(|calls| {
            let views: Vec<&View> = calls.iter().map(|call| &call.view).collect();
            let questions: Vec<&str> = calls.iter().map(|call| call.text.as_str()).collect();
            let remembered = calls.iter().zip(say(&views, &questions)?);
            let remembered = remembered.map(|(call, said)| RememberedAnswer {
                view: call.view.clone(),
                question: call.text.clone(),
                said,
            });
            Ok(remembered.collect())
        })
        .collect::<std::result::Result<_, ModelError>>()?;
    Ok(remembered.into_iter().flatten().collect())
}

/// What a student writes, and at every word's place the likeliest ones.
fn written(
    student: &impl WritingModel,
    views: &[&View],
    questions: &[&str],
) -> std::result::Result<Vec<SaidBefore>, ModelError> {
    let (words, logits) = student.written(views, questions)?;
    let mut places = likeliest(&logits)?.into_iter();
    let said = words.into_iter().map(|words| {
        let at: Vec<Vec<(u32, f32)>> = places.by_ref().take(words.len()).collect();
        let (likely, log_probabilities) = at.into_iter().flatten().unzip();
        SaidBefore::Written(WrittenBefore {
            words,
            likely,
            log_probabilities,
        })
    });
    Ok(said.collect())
}

/// The likeliest words of every row of logits, the first one first.
fn likeliest(logits: &Tensor) -> std::result::Result<Vec<Vec<(u32, f32)>>, ModelError> {
    let rows = log_softmax(logits)?.to_vec2::<f32>()?;
    let likeliest = rows.into_iter().map(|row| {
        let mut all: Vec<(u32, f32)> = (0u32..).zip(row).collect();
        let greater = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if all.len() > LIKELY {
            all.select_nth_unstable_by(LIKELY, greater);
            all.truncate(LIKELY);
        }
        all.sort_by(greater);
        all
    });
    Ok(likeliest.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_likeliest_words_come_first() {
        let row: Vec<f32> = (0..100).map(|i| ((i * 37) % 100) as f32 / 9.0).collect();
        let logits = Tensor::from_vec(row, (1, 100), &Device::Cpu).unwrap();
        let found = likeliest(&logits).unwrap().remove(0);
        assert_eq!(found.len(), LIKELY);
        assert!(
            found
                .iter()
                .all(|(id, _)| (id * 37) % 100 >= 100 - LIKELY as u32)
        );
        assert!(found.is_sorted_by(|a, b| a.1 >= b.1));
    }
}
