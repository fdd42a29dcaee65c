//! The second step: learning to answer.

use super::{Counts, Course, lora, need};
use crate::checkpoint::{KeptTraining, StepName};
use crate::error::Result;
use crate::examples::{AnswerExample, RememberedAnswer};
use crate::label::{label_answers, label_patches};
use crate::settings::StepSettings;
use crate::train::{
    AnswerObjective, PatchNames, TrainingCurve, WritingObjective, train_answer, train_writing,
};
use sdvp_core::{SubTask, SubTaskKind};
use sdvp_models::{Fit, ModelError};
use sdvp_modules::{AnswerModel, StudentModel, StudentNetwork, ViltModel, WritingModel};
use std::collections::HashMap;
use std::sync::Arc;

/// Of a label, a student that writes is taught the likeliest answers, so many at most …
const MOST_WRITTEN: usize = 4;
/// … and of others than the first none that the teacher believes less than this: each is a text of its own
/// to go through.
const LEAST_WRITTEN: f32 = 0.01;

/// The answers that a student can be taught, each with a place.
enum Sayable<'a> {
    /// Those that it chooses among.
    Chosen(HashMap<&'a str, usize>),
    /// Those that it can write, as labels name them.
    Written(Written<'a>),
}

/// Answers that are written.
struct Written<'a> {
    model: &'a dyn WritingModel,
    places: HashMap<String, Option<usize>>,
    words: Vec<Vec<u32>>,
    /// Why an answer could not even be tried.
    fault: Option<ModelError>,
}

impl<'a> Sayable<'a> {
    fn by(student: &'a AnswerModel) -> Self {
        match student {
            AnswerModel::Vilt(model) => {
                let answers = model.config.answers.iter().map(String::as_str);
                Sayable::Chosen(answers.zip(0..).collect())
            }
            AnswerModel::Blip(model) => Self::written(model.as_ref()),
            AnswerModel::Qwen3Vl(model) => Self::written(model.as_ref()),
        }
    }

    fn written(model: &'a dyn WritingModel) -> Self {
        Sayable::Written(Written {
            model,
            places: HashMap::new(),
            words: Vec::new(),
            fault: None,
        })
    }

    fn place(&mut self, answer: &str) -> Option<usize> {
        let written = match self {
            Sayable::Chosen(places) => return places.get(answer).copied(),
            Sayable::Written(written) => written,
        };
        if let Some(known) = written.places.get(answer) {
            return *known;
        }
        let spelled = written.model.spell(answer).unwrap_or_else(|error| {
            written.fault.get_or_insert(error);
            None
        });
        let place = spelled.map(|spelled| {
            written.words.push(spelled);
            written.words.len() - 1
        });
        written.places.insert(answer.to_owned(), place);
        place
    }

    /// The words of every answer that is written, by its place.
    fn words(self) -> Result<Vec<Vec<u32>>> {
        match self {
            Sayable::Chosen(_) => Ok(Vec::new()),
            Sayable::Written(Written { fault, words, .. }) => match fault {
                Some(fault) => Err(fault.into()),
                None => Ok(words),
            },
        }
    }
}

/// What the step has to learn from, and how.
struct Material<'a> {
    examples: Vec<AnswerExample>,
    memory: &'a [&'a RememberedAnswer],
    settings: &'a StepSettings,
    kept: Option<KeptTraining>,
}

impl Course<'_> {
    pub(super) fn teach_to_answer(&mut self, round: usize, settings: &StepSettings) -> Result<()> {
        let kind = SubTaskKind::Answer;
        let step = StepName { round, kind };
        if settings.steps == 0 || self.is_finished(&step)? {
            return Ok(());
        }
        let calls = self.calls()?;
        let calls = calls.of(kind);
        let (mut learner, settings) = self.learner(settings)?;
        let mut sayable = Sayable::by(&learner.answer);
        let can_ask = |call: &SubTask| match &learner.answer {
            AnswerModel::Vilt(_) => true,
            AnswerModel::Blip(model) => model.can_read(&call.view, &call.text),
            AnswerModel::Qwen3Vl(model) => model.can_read(&call.view, &call.text),
        };
        let place = |answer: &str| sayable.place(answer);
        let labelled = label_answers(calls, self.lesson.answer, can_ask, place, self.settings);
        let words = sayable.words()?;
        let counts = Counts::of(calls, &labelled);
        need(kind, &counts)?;
        let settings = &settings.for_calls(labelled.examples.len());
        let rehearsed = self.rehearsed();
        let memory = rehearsed.answers();
        let material = Material {
            examples: labelled.examples,
            memory: &memory,
            settings,
            kept: self.kept(&step)?,
        };
        let (model, curve) = match &learner.answer {
            AnswerModel::Vilt(model) => {
                let (model, curve) = self.teach_to_choose(model, material)?;
                (AnswerModel::Vilt(Arc::new(model)), curve)
            }
            AnswerModel::Blip(model) => {
                let (model, curve) = self.teach_to_write(model, words, material)?;
                (AnswerModel::Blip(Arc::new(model)), curve)
            }
            AnswerModel::Qwen3Vl(model) => {
                let (model, curve) = self.teach_to_write(model, words, material)?;
                (AnswerModel::Qwen3Vl(Arc::new(model)), curve)
            }
        };
        learner.answer = model;
        self.record(&step, settings, counts, memory.len(), curve, learner)
    }

    fn teach_to_choose(
        &self,
        student: &ViltModel,
        mut material: Material<'_>,
    ) -> Result<(ViltModel, TrainingCurve)> {
        let (settings, seed) = (material.settings, self.settings.seed);
        // Where in a view a patch lies is known where views are stretched.
        let weight = match student.processor.fit {
            Fit::Stretch => self.settings.patches,
            _ => 0.0,
        };
        if weight > 0.0 {
            label_patches(&mut material.examples, self.lesson.locate, self.settings);
        }
        let mut model = student.duplicate(lora(settings, seed))?;
        let mut words = self.lesson.locate.repertoire();
        words.retain(|word| model.answer_index(word).is_some());
        let patches = (weight > 0.0 && !words.is_empty())
            .then(|| PatchNames::new(&model, words, weight, seed));
        let objective = AnswerObjective {
            temperature: self.settings.temperature,
            patches: patches.transpose()?,
        };
        self.begin("learning to answer", settings.steps);
        let training = self.training(settings, material.kept.as_ref());
        let (examples, memory) = (&material.examples, material.memory);
        let curve = train_answer(&mut model, &objective, examples, memory, &training)?;
        Ok((model, curve))
    }

    fn teach_to_write<N>(
        &self,
        student: &StudentModel<N>,
        answers: Vec<Vec<u32>>,
        mut material: Material<'_>,
    ) -> Result<(StudentModel<N>, TrainingCurve)>
    where
        N: StudentNetwork + Sync,
        N::Config: Sync,
        N::Processor: Sync,
        StudentModel<N>: WritingModel,
    {
        for example in &mut material.examples {
            keep_likeliest(&mut example.answers);
        }
        let settings = material.settings;
        let mut model = student.duplicate(lora(settings, self.settings.seed))?;
        let objective = WritingObjective {
            temperature: self.settings.temperature,
            answers,
        };
        self.begin("learning to answer", settings.steps);
        let training = self.training(settings, material.kept.as_ref());
        let (examples, memory) = (&material.examples, material.memory);
        let curve = train_writing(&mut model, &objective, examples, memory, &training)?;
        Ok((model, curve))
    }
}

/// Keeps the answers that are written out; the probabilities sum to 1 again.
fn keep_likeliest(answers: &mut Vec<(usize, f32)>) {
    answers.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    answers.truncate(MOST_WRITTEN);
    let first = answers.first().map(|(answer, _)| *answer);
    answers.retain(|(answer, p)| Some(*answer) == first || *p >= LEAST_WRITTEN);
    let total: f32 = answers.iter().map(|(_, p)| p).sum();
    for (_, probability) in answers {
        *probability /= total.max(f32::MIN_POSITIVE);
    }
}

#[cfg(test)]
mod tests {
    use super::keep_likeliest;

    #[test]
    fn few_answers_are_written_out() {
        let mut answers = vec![
            (4, 0.005),
            (7, 0.3),
            (1, 0.5),
            (2, 0.1),
            (9, 0.05),
            (8, 0.045),
        ];
        keep_likeliest(&mut answers);
        assert_eq!(
            answers.iter().map(|it| it.0).collect::<Vec<_>>(),
            [1, 7, 2, 9]
        );
        let total: f32 = answers.iter().map(|it| it.1).sum();
        assert!((total - 1.0).abs() < 1e-6);
        let mut sure = vec![(3, 0.999), (2, 0.001)];
        keep_likeliest(&mut sure);
        assert_eq!(sure, [(3, 1.0)]);
    }
}
