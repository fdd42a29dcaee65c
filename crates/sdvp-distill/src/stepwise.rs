//! The method: harvest → label → teach to find → execute again → teach to answer.

use crate::error::{DistillError, Result};
use crate::harvest::{Exercise, harvest};
use crate::label::{label_answers, label_views};
use crate::observer::{Observer, Phase};
use crate::rehearsal::{remember_answers, remember_views};
use crate::settings::{DistillSettings, StepSettings};
use crate::train::{TrainingCurve, train_answer, train_locate};
use sdvp_core::SubTaskKind;
use sdvp_models::LoraConfig;
use sdvp_modules::{Student, Teacher, TrainMethod};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Further texts remembered with every rehearsed view.
const REMEMBERED_TEXTS: usize = 14;

/// What one step did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DistilledStep {
    /// The kind of module that learned.
    pub kind: SubTaskKind,
    /// Distinct calls the programs made.
    pub harvested: usize,
    /// Examples that came of them.
    pub labelled: usize,
    /// Calls rehearsed.
    pub rehearsed: usize,
    /// How the loss fell.
    pub curve: TrainingCurve,
}

/// A distilled student and how it came about.
pub struct Distillation {
    /// The student, better on the task.
    pub student: Student,
    /// The steps, in order.
    pub steps: Vec<DistilledStep>,
}

/// Distils one task into a student. `task` are the programs over the task's training set,
/// `rehearsal` programs over earlier and general data. The student given is left as it is: it is
/// the frozen former self.
///
/// # Errors
/// If nothing can be learned, or a network fails.
pub fn distill(
    name: &str,
    student: &Student,
    task: &[Exercise],
    rehearsal: &[Exercise],
    locate_teacher: &dyn Teacher,
    answer_teacher: &dyn Teacher,
    settings: &DistillSettings,
    observer: &dyn Observer,
) -> Result<Distillation> {
    let before = student.modules()?;
    let mut learned = student.clone();
    let mut steps = Vec::new();
    let general = harvest(
        rehearsal,
        before.clone(),
        &format!("{name}: rehearsal calls"),
        observer,
    )?;

    if settings.locate.steps > 0 {
        let kind = SubTaskKind::Locate;
        let calls = harvest(task, before, &format!("{name}: calls"), observer)?;
        let examples = label_views(calls.of(kind), locate_teacher, settings);
        need(kind, calls.of(kind).len(), examples.len())?;
        let memory = remember_views(
            general.of(kind),
            &student.locate,
            REMEMBERED_TEXTS,
            settings.seed,
        )?;
        let mut model = student
            .locate
            .duplicate(lora(&settings.locate, settings.seed))?;
        observer.begin(&Phase {
            name: format!("{name}: learning to locate"),
            total: settings.locate.steps,
        });
        let curve = train_locate(
            &mut model,
            &examples,
            &memory,
            &settings.locate,
            settings.seed,
            observer,
        )?;
        learned.locate = Arc::new(model);
        record(&mut learned, kind, &settings.locate);
        steps.push(DistilledStep {
            kind,
            harvested: calls.of(kind).len(),
            labelled: examples.len(),
            rehearsed: memory.len(),
            curve,
        });
    }

    if settings.answer.steps > 0 {
        let kind = SubTaskKind::Answer;
        // Again, so that questions are asked about what the better locator finds.
        let calls = harvest(
            task,
            learned.modules()?,
            &format!("{name}: calls again"),
            observer,
        )?;
        let examples = label_answers(calls.of(kind), answer_teacher, &student.answer, settings);
        need(kind, calls.of(kind).len(), examples.len())?;
        let memory = remember_answers(general.of(kind), &student.answer)?;
        let mut model = student
            .answer
            .duplicate(lora(&settings.answer, settings.seed))?;
        observer.begin(&Phase {
            name: format!("{name}: learning to answer"),
            total: settings.answer.steps,
        });
        let curve = train_answer(
            &mut model,
            &examples,
            &memory,
            &settings.answer,
            settings.seed,
            observer,
        )?;
        learned.answer = Arc::new(model);
        record(&mut learned, kind, &settings.answer);
        steps.push(DistilledStep {
            kind,
            harvested: calls.of(kind).len(),
            labelled: examples.len(),
            rehearsed: memory.len(),
            curve,
        });
    }
    learned.manifest.history.push(name.to_owned());
    Ok(Distillation {
        student: learned,
        steps,
    })
}

fn need(kind: SubTaskKind, harvested: usize, labelled: usize) -> Result<()> {
    if labelled == 0 {
        return Err(DistillError::NothingToLearn {
            kind,
            harvested,
            labelled,
        });
    }
    Ok(())
}

fn lora(settings: &StepSettings, seed: u64) -> Option<(LoraConfig, u64)> {
    match &settings.method {
        TrainMethod::Full => None,
        TrainMethod::Lora(config) => Some((config.clone(), seed)),
    }
}

fn record(student: &mut Student, kind: SubTaskKind, settings: &StepSettings) {
    if let Some(adapter) = student.trained_adapter(kind, settings.method.clone()) {
        student.manifest.modules.insert(kind, adapter);
    }
}
