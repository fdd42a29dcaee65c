//! The method: harvest → label → teach to find → execute again → teach to match and to answer.

use crate::error::{DistillError, Result};
use crate::harvest::{Exercise, Harvest, harvest};
use crate::label::{Labelled, label_answers, label_matches, label_patches, label_views};
use crate::memory::{Memory, TaskMemory};
use crate::observer::{Observer, Phase};
use crate::settings::{DistillSettings, StepSettings};
use crate::train::{
    AnswerObjective, PatchNames, TrainingCurve, train_answer, train_locate, train_match,
};
use sdvp_core::{SubTask, SubTaskKind};
use sdvp_models::{Fit, LoraConfig};
use sdvp_modules::{Student, Teacher};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What one step did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DistilledStep {
    /// The kind of module that learned.
    pub kind: SubTaskKind,
    /// Distinct calls the programs made.
    pub harvested: usize,
    /// Of these, calls that the teacher labelled.
    #[serde(default)]
    pub known: usize,
    /// Of these, questions with answers only that the student cannot give.
    #[serde(default)]
    pub unsayable: usize,
    /// Examples that came of them: views that were searched or compared, or questions.
    pub labelled: usize,
    /// Calls rehearsed.
    pub rehearsed: usize,
    /// How the loss fell.
    pub curve: TrainingCurve,
}

/// A task to learn.
pub struct Lesson<'a> {
    /// Its name.
    pub task: &'a str,
    /// Programs over its training set.
    pub exercises: &'a [Exercise],
    /// Who knows where things are.
    pub locate: &'a dyn Teacher,
    /// Who knows how well texts fit.
    pub matching: &'a dyn Teacher,
    /// Who knows the answers.
    pub answer: &'a dyn Teacher,
}

/// A distilled student and how it came about.
pub struct Distillation {
    /// The student, better on the task.
    pub student: Student,
    /// What became of the student after each step; the last is `student`.
    pub checkpoints: Vec<Student>,
    /// The steps, in order.
    pub steps: Vec<DistilledStep>,
    /// The last calls of the task's programs.
    calls: Harvest,
}

impl Distillation {
    /// What a student that learned the task is to rehearse when it learns the next one: what was
    /// remembered before, and the task's calls.
    ///
    /// # Errors
    /// If the student fails.
    pub fn remember(
        &self,
        student: &Student,
        memory: Memory,
        settings: &DistillSettings,
    ) -> Result<Memory> {
        let Some(task) = student.manifest.history.last() else {
            return Ok(memory);
        };
        let (bound, seed) = (&settings.memory, settings.seed);
        let learned = TaskMemory::of_calls(task, &self.calls, student, bound, seed)?;
        Ok(memory.with(learned, bound, seed))
    }
}

/// Distils one task into a student, which rehearses its memory meanwhile. The student given is left
/// as it is: it is the frozen former self.
///
/// # Errors
/// If nothing can be learned, or a network fails.
pub fn distill(
    lesson: &Lesson<'_>,
    student: &Student,
    memory: &Memory,
    settings: &DistillSettings,
    observer: &dyn Observer,
) -> Result<Distillation> {
    let mut course = Course {
        lesson,
        memory,
        settings,
        observer,
        student: student.clone(),
        checkpoints: Vec::new(),
        steps: Vec::new(),
    };
    course.student.manifest.history.push(lesson.task.to_owned());
    let mut calls = course.harvest("calls")?;
    let rounds = settings.rounds.max(1);
    for round in 0..rounds {
        if round > 0 {
            calls = course.harvest("calls again")?;
        }
        course.teach_to_locate(&calls, &settings.locate.part(round, rounds))?;
        if settings.rounds > 0 && settings.locate.steps > 0 {
            // Again, so that questions are asked about what the better locator finds.
            calls = course.harvest("calls again")?;
        }
        course.teach_to_match(&calls, &settings.matching.part(round, rounds))?;
        course.teach_to_answer(&calls, &settings.answer.part(round, rounds))?;
    }
    Ok(Distillation {
        student: course.student,
        checkpoints: course.checkpoints,
        steps: course.steps,
        calls,
    })
}

/// A distillation on its way.
struct Course<'a> {
    lesson: &'a Lesson<'a>,
    memory: &'a Memory,
    settings: &'a DistillSettings,
    observer: &'a dyn Observer,
    student: Student,
    checkpoints: Vec<Student>,
    steps: Vec<DistilledStep>,
}

impl Course<'_> {
    fn harvest(&self, what: &str) -> Result<Harvest> {
        let name = format!("{}: {what}", self.lesson.task);
        let modules = self.student.modules()?;
        harvest(self.lesson.exercises, modules, &name, self.observer)
    }

    fn begin(&self, what: &str, steps: usize) {
        self.observer.begin(&Phase {
            name: format!("{}: {what}", self.lesson.task),
            total: steps,
        });
    }

    fn teach_to_locate(&mut self, calls: &Harvest, settings: &StepSettings) -> Result<()> {
        if settings.steps == 0 {
            return Ok(());
        }
        let (kind, seed) = (SubTaskKind::Locate, self.settings.seed);
        let calls = calls.of(kind);
        let labelled = label_views(calls, self.lesson.locate, self.settings);
        let counts = Counts::of(calls, &labelled);
        let examples = labelled.examples;
        need(kind, &counts)?;
        let settings = &settings.for_calls(examples.len());
        let memory = self.memory.views();
        let mut model = self.student.locate.duplicate(lora(settings, seed))?;
        self.begin("learning to locate", settings.steps);
        let curve = train_locate(
            &mut model,
            &examples,
            &memory,
            settings,
            seed,
            self.observer,
        )?;
        self.student.locate = Arc::new(model);
        self.record(kind, settings, counts, memory.len(), curve);
        Ok(())
    }

    /// Nothing is learned where no program asks how well a text fits.
    fn teach_to_match(&mut self, calls: &Harvest, settings: &StepSettings) -> Result<()> {
        let (kind, seed) = (SubTaskKind::Match, self.settings.seed);
        let calls = calls.of(kind);
        if settings.steps == 0 || calls.is_empty() {
            return Ok(());
        }
        let labelled = label_matches(calls, self.lesson.matching);
        let counts = Counts::of(calls, &labelled);
        let examples = labelled.examples;
        need(kind, &counts)?;
        let settings = &settings.for_calls(examples.len());
        let memory = self.memory.matches();
        let mut model = self.student.matching.duplicate(lora(settings, seed))?;
        self.begin("learning to match", settings.steps);
        let curve = train_match(
            &mut model,
            &examples,
            &memory,
            settings,
            seed,
            self.observer,
        )?;
        self.student.matching = Arc::new(model);
        self.record(kind, settings, counts, memory.len(), curve);
        Ok(())
    }

    fn teach_to_answer(&mut self, calls: &Harvest, settings: &StepSettings) -> Result<()> {
        if settings.steps == 0 {
            return Ok(());
        }
        let (kind, seed) = (SubTaskKind::Answer, self.settings.seed);
        let calls = calls.of(kind);
        let student = &self.student.answer;
        let labelled = label_answers(calls, self.lesson.answer, student, self.settings);
        let counts = Counts::of(calls, &labelled);
        let mut examples = labelled.examples;
        need(kind, &counts)?;
        let settings = &settings.for_calls(examples.len());
        // Where in a view a patch lies is known where views are stretched.
        let weight = match student.processor.fit {
            Fit::Stretch => self.settings.patches,
            _ => 0.0,
        };
        if weight > 0.0 {
            label_patches(&mut examples, self.lesson.locate, self.settings);
        }
        let memory = self.memory.answers();
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
        let curve = train_answer(
            &mut model,
            &objective,
            &examples,
            &memory,
            settings,
            seed,
            self.observer,
        )?;
        self.student.answer = Arc::new(model);
        self.record(kind, settings, counts, memory.len(), curve);
        Ok(())
    }

    /// Notes what a step did, for the student's manifest and for people.
    fn record(
        &mut self,
        kind: SubTaskKind,
        settings: &StepSettings,
        counts: Counts,
        rehearsed: usize,
        curve: TrainingCurve,
    ) {
        let method = settings.method.clone();
        if let Some(adapter) = self.student.trained_adapter(kind, method) {
            self.student.manifest.modules.insert(kind, adapter);
        }
        self.checkpoints.push(self.student.clone());
        self.steps.push(DistilledStep {
            kind,
            harvested: counts.harvested,
            known: counts.known,
            unsayable: counts.unsayable,
            labelled: counts.labelled,
            rehearsed,
            curve,
        });
    }
}

/// How many calls there were, and what came of them.
struct Counts {
    harvested: usize,
    known: usize,
    unsayable: usize,
    labelled: usize,
}

impl Counts {
    fn of<E>(calls: &[SubTask], labelled: &Labelled<E>) -> Self {
        Self {
            harvested: calls.len(),
            known: labelled.calls,
            unsayable: labelled.unsayable,
            labelled: labelled.examples.len(),
        }
    }
}

fn need(kind: SubTaskKind, counts: &Counts) -> Result<()> {
    if counts.labelled == 0 {
        return Err(DistillError::NothingToLearn {
            kind,
            harvested: counts.harvested,
            labelled: counts.known,
        });
    }
    Ok(())
}

fn lora(settings: &StepSettings, seed: u64) -> Option<(LoraConfig, u64)> {
    settings.method.lora().map(|config| (config.clone(), seed))
}
