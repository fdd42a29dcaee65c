//! The second step for students that write: teaching answers word by word.

use super::answer::softened;
use super::{Losses, Training, TrainingCurve, learn_and_rehearse};
use crate::error::Result;
use crate::examples::{AnswerExample, RememberedAnswer, WrittenBefore};
use crate::loss::{word_divergence, word_loss};
use candle_core::Tensor;
use sdvp_core::View;
use sdvp_models::ModelError;
use sdvp_modules::{StudentModel, StudentNetwork, WritingModel};

/// What of labelled questions is learned.
pub struct WritingObjective {
    /// The words of every answer that examples name by its place, the end included.
    pub answers: Vec<Vec<u32>>,
    /// Words are compared at this temperature.
    pub temperature: f64,
}

/// Teaches `model` the examples while it rehearses what it remembers. Of a label's answers each is written
/// out, and counts as much as the teacher believes it: `L_labels = −Σ p(a) · log p(words of a)`, as BLIP
/// was taught itself (Li et al. 2022, arXiv 2201.12086, §3.3 of the released code's VQA: a weight for every
/// answer), but without smoothing, as a teacher's answers are distributions already.
///
/// # Errors
/// If the network fails or its gradients are not finite.
pub fn train_writing<N>(
    model: &mut StudentModel<N>,
    objective: &WritingObjective,
    examples: &[AnswerExample],
    memory: &[&RememberedAnswer],
    training: &Training<'_>,
) -> Result<TrainingCurve>
where
    N: StudentNetwork + Sync,
    N::Config: Sync,
    N::Processor: Sync,
    StudentModel<N>: WritingModel,
{
    learn_and_rehearse(
        model,
        None,
        examples,
        memory,
        training,
        |model, labelled, remembered| losses(model, objective, labelled, remembered),
    )
}

/// Both losses of one batch.
fn losses(
    model: &impl WritingModel,
    objective: &WritingObjective,
    labelled: &[&AnswerExample],
    remembered: &[&RememberedAnswer],
) -> Losses {
    let temperature = objective.temperature;
    let (mut answers, mut shares): (Vec<(usize, &[u32])>, Vec<f32>) = (Vec::new(), Vec::new());
    let total: f32 = labelled.iter().map(|example| example.weight).sum();
    for (place, example) in labelled.iter().enumerate() {
        for (answer, probability) in softened(&example.answers, temperature) {
            let words = objective.answers.get(answer).ok_or_else(|| {
                ModelError::Config(format!("no answer {answer} is among those that are taught"))
            })?;
            answers.push((place, words));
            let share = example.weight * probability / total.max(1e-6);
            shares.extend(std::iter::repeat_n(share, words.len()));
        }
    }
    let views: Vec<&View> = labelled.iter().map(|e| &e.view).collect();
    let questions: Vec<&str> = labelled.iter().map(|e| e.question.as_str()).collect();
    let logits = model.word_logits(&views, &questions, &answers)?;
    let words = answers.iter().flat_map(|(_, words)| words.iter().copied());
    let loss = word_loss(&(logits / temperature)?, words.collect(), shares)?;
    // Gradients are as great as at a temperature of 1.
    let loss = (loss * temperature.powi(2))?;
    if remembered.is_empty() {
        return Ok((loss, None));
    }
    Ok((loss, Some(divergence(model, remembered)?)))
}

/// How far what is said of remembered answers, word by word, is from what was.
fn divergence(
    model: &impl WritingModel,
    remembered: &[&RememberedAnswer],
) -> std::result::Result<Tensor, ModelError> {
    let before: Vec<&WrittenBefore> = remembered
        .iter()
        .map(|r| r.written())
        .collect::<std::result::Result<_, _>>()?;
    let answers = before.iter().map(|before| before.words.as_slice());
    let answers: Vec<(usize, &[u32])> = answers.enumerate().collect();
    let views: Vec<&View> = remembered.iter().map(|r| &r.view).collect();
    let questions: Vec<&str> = remembered.iter().map(|r| r.question.as_str()).collect();
    let now = model.word_logits(&views, &questions, &answers)?;
    let likely = before.iter().flat_map(|it| it.likely.iter().copied());
    let probabilities = before.iter().flat_map(|it| it.log_probabilities.iter());
    let sum = word_divergence(&now, likely.collect(), probabilities.copied().collect())?;
    Ok((sum / remembered.len() as f64)?)
}

#[cfg(test)]
mod tests {
    use super::super::blips::{fresh, views};
    use super::*;
    use crate::observer::Silent;
    use crate::rehearsal::remember_answers;
    use crate::settings::{DistillSettings, StepSettings};
    use sdvp_core::SubTask;
    use sdvp_models::LoraConfig;
    use sdvp_models::architectures::BlipAnswer;
    use sdvp_modules::{AnswerModel, BlipAnswerModel, ModelSource, Qwen3VlModel, TrainMethod};
    use std::sync::Arc;

    const QUESTION: &str = "What is this?";

    fn settings(method: TrainMethod, lambda: f64) -> StepSettings {
        StepSettings {
            steps: 60,
            batch: 4,
            rehearsed: 4,
            learning_rate: 3e-3,
            anchor: 0.0,
            lambda,
            method,
            ..DistillSettings::default().answer
        }
    }

    /// Four views, two answers of different length, and the doubt of a teacher about one of them.
    fn lesson(model: &BlipAnswerModel, turned: bool) -> (WritingObjective, Vec<AnswerExample>) {
        let words = |answer: &str| model.spell(answer).unwrap().unwrap();
        let objective = WritingObjective {
            answers: vec![words("dog"), words("red car"), words("cat")],
            temperature: 1.0,
        };
        let of = |(place, view)| AnswerExample {
            view,
            question: QUESTION.to_owned(),
            answers: match (place + usize::from(turned)) % 2 {
                0 => vec![(0, 0.9), (2, 0.1)],
                _ => vec![(1, 1.0)],
            },
            weight: 1.0,
            seen: None,
        };
        let examples = views(4).into_iter().enumerate().map(of).collect();
        (objective, examples)
    }

    fn taught(
        student: &BlipAnswerModel,
        turned: bool,
        memory: &[&RememberedAnswer],
        settings: &StepSettings,
    ) -> BlipAnswerModel {
        let lora = settings.method.lora().map(|lora| (lora.clone(), 1));
        let mut model = student.duplicate(lora).unwrap();
        let (objective, examples) = lesson(&model, turned);
        let training = Training {
            settings,
            seed: 3,
            observer: &Silent,
            kept: None,
        };
        train_writing(&mut model, &objective, &examples, memory, &training).unwrap();
        model
    }

    #[test]
    fn answers_are_learned_word_by_word_and_what_is_rehearsed_stays() {
        let student = Arc::new(fresh::<BlipAnswer>(1));
        let calls = views(4).into_iter().flat_map(|view| {
            ["Is there a dog?", "What color is the car?"]
                .map(|question| SubTask::answer(view.clone(), question))
        });
        let calls: Vec<SubTask> = calls.collect();
        let memory = remember_answers(&calls, &AnswerModel::Blip(Arc::clone(&student))).unwrap();
        let memory: Vec<&RememberedAnswer> = memory.iter().collect();
        let changed = |model: &BlipAnswerModel| {
            let divergence = divergence(model, &memory).unwrap();
            divergence.to_scalar::<f32>().unwrap()
        };
        // Memory is what the student said itself.
        assert!(changed(&student) < 1e-3, "{}", changed(&student));
        let held = taught(&student, false, &memory, &settings(TrainMethod::Full, 5.0));
        let free = taught(&student, false, &memory, &settings(TrainMethod::Full, 0.0));
        let (kept, lost) = (changed(&held), changed(&free));
        assert!(kept < lost / 4.0, "{kept} and {lost}");
        for model in [free, held] {
            let module = AnswerModel::Blip(Arc::new(model)).module().unwrap();
            let tasks = views(4)
                .into_iter()
                .map(|view| SubTask::answer(view, QUESTION));
            let tasks: Vec<SubTask> = tasks.collect();
            for (place, said) in module.run(&tasks).into_iter().enumerate() {
                let sdvp_core::Outcome::Answer(said) = said.unwrap() else {
                    panic!("no answer");
                };
                assert_eq!(said.text, ["dog", "red car"][place % 2]);
            }
        }
    }

    #[test]
    fn every_method_teaches_what_it_says() {
        // Who knows the words, but is to say them of the other views.
        let full = StepSettings {
            steps: 150,
            ..settings(TrainMethod::Full, 0.0)
        };
        let student = taught(&fresh::<BlipAnswer>(2), false, &[], &full);
        let (objective, examples) = lesson(&student, true);
        let examples: Vec<&AnswerExample> = examples.iter().collect();
        let loss = |model: &BlipAnswerModel| {
            let (loss, _) = losses(model, &objective, &examples, &[]).unwrap();
            loss.to_scalar::<f32>().unwrap()
        };
        let before = loss(&student);
        let lora = TrainMethod::Lora(LoraConfig {
            rank: 4,
            alpha: 8.0,
            dropout: 0.0,
            patterns: vec!["text_decoder.".to_owned(), "crossattention".to_owned()],
        });
        for method in [lora, TrainMethod::Vision] {
            let settings = StepSettings {
                steps: 120,
                learning_rate: 1e-2,
                ..settings(method.clone(), 0.0)
            };
            let model = taught(&student, true, &[], &settings);
            let after = loss(&model);
            assert!(after < 0.5 * before, "{method:?}: {before} to {after}");
            for name in student.params.names() {
                let (was, is) = (student.params.get(name), model.params.get(name));
                let values = |var: Option<&candle_core::Var>| {
                    var.unwrap()
                        .flatten_all()
                        .unwrap()
                        .to_vec1::<f32>()
                        .unwrap()
                };
                let may = method == TrainMethod::Vision && BlipAnswer::sees(name);
                assert!(may || values(was) == values(is), "{name} by {method:?}");
            }
        }
    }

    #[test]
    fn an_instruction_tuned_model_learns_beside_weights_that_stay() {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../sdvp-modules/tests/golden/published/qwen3_vl"
        );
        let source = ModelSource::Folder(folder.into());
        let student = Arc::new(Qwen3VlModel::load(&source, None).unwrap());
        let examples: Vec<AnswerExample> = views(4)
            .into_iter()
            .enumerate()
            .map(|(place, view)| AnswerExample {
                view,
                question: QUESTION.to_owned(),
                answers: vec![(place % 2, 1.0)],
                weight: 1.0,
                seen: None,
            })
            .collect();
        let objective = WritingObjective {
            answers: ["dog", "red"]
                .map(|it| student.spell(it).unwrap().unwrap())
                .to_vec(),
            temperature: 1.0,
        };
        let calls = views(2)
            .into_iter()
            .map(|view| SubTask::answer(view, "is it red"));
        let calls: Vec<SubTask> = calls.collect();
        let memory = remember_answers(&calls, &AnswerModel::Qwen3Vl(Arc::clone(&student)));
        let memory = memory.unwrap();
        let memory: Vec<&RememberedAnswer> = memory.iter().collect();
        let labelled: Vec<&AnswerExample> = examples.iter().collect();
        let both = |model: &Qwen3VlModel| {
            let (loss, divergence) = losses(model, &objective, &labelled, &memory).unwrap();
            [loss, divergence.unwrap()].map(|it| it.to_scalar::<f32>().unwrap())
        };
        let lora = LoraConfig {
            rank: 4,
            alpha: 8.0,
            dropout: 0.0,
            patterns: vec!["language_model.".to_owned()],
        };
        let learn = |lambda: f64| {
            let mut model = student.duplicate(Some((lora.clone(), 1))).unwrap();
            let settings = StepSettings {
                steps: 80,
                learning_rate: 1e-2,
                ..settings(TrainMethod::Lora(lora.clone()), lambda)
            };
            let training = Training {
                settings: &settings,
                seed: 3,
                observer: &Silent,
                kept: None,
            };
            train_writing(&mut model, &objective, &examples, &memory, &training).unwrap();
            for name in student.params.names() {
                let values = |model: &Qwen3VlModel| {
                    let var = model.params.get(name).unwrap();
                    let values = var.to_dtype(candle_core::DType::F32).unwrap();
                    values.flatten_all().unwrap().to_vec1::<f32>().unwrap()
                };
                assert_eq!(values(&student), values(&model), "{name}");
            }
            both(&model)
        };
        let [before, same] = both(&student);
        assert!(same < 1e-3, "{same}");
        let ([held, kept], [free, lost]) = (learn(5.0), learn(0.0));
        assert!(
            held < before / 2.0 && free < before / 2.0,
            "{before} {held} {free}"
        );
        assert!(kept < lost, "{kept} {lost}");

        let mut model = student.duplicate(None).unwrap();
        let settings = settings(TrainMethod::Vision, 0.0);
        let training = Training {
            settings: &settings,
            seed: 3,
            observer: &Silent,
            kept: None,
        };
        let refused = train_writing(&mut model, &objective, &examples, &[], &training);
        assert!(refused.unwrap_err().to_string().contains("--lora RANK"));
    }

    #[test]
    fn what_another_student_remembers_is_refused() {
        let model = fresh::<BlipAnswer>(3);
        let (_, examples) = lesson(&model, false);
        let chosen = RememberedAnswer {
            view: examples[0].view.clone(),
            question: QUESTION.to_owned(),
            said: crate::examples::SaidBefore::Chosen(vec![0.0, 1.0]),
        };
        let refused = divergence(&model, &[&chosen]).unwrap_err().to_string();
        assert!(refused.contains("written"), "{refused}");
        assert!(model.spell("").unwrap().is_none(), "nothing to write");
        assert!(model.spell("§").unwrap().is_none(), "no word for it");
        assert!(
            model.spell(&"dog ".repeat(30)).unwrap().is_none(),
            "too long"
        );
    }
}
