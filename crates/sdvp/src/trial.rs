//! A trial: a chain of tasks distilled into the shipped student, measured after each.

use crate::commands::Effort;
use crate::exam::{Framework, exam, exam_in, look_alike_name};
use crate::modules;
use crate::progress::Progress;
use anyhow::Result;
use sdvp_core::Module;
use sdvp_data::Task;
use sdvp_data::picto::Split;
use sdvp_distill::{DistillError, Memory, Observer, Phase};
use sdvp_eval::report::{GridCell, Scores, SeedTypes, TaskScores};
use sdvp_eval::{Exam, ExamItem, evaluate};
use sdvp_modules::StudentPart;
use sdvp_runtime::Settings;
use std::sync::Arc;

/// The questions that students are measured on.
pub(crate) struct Exams {
    exams: Vec<TaskExam>,
}

struct TaskExam {
    name: String,
    task: Task,
    exam: Exam,
}

impl Exams {
    /// The first questions of each task's split.
    pub(crate) fn new(
        counts: impl IntoIterator<Item = (Task, usize)>,
        framework: Framework,
        split: Split,
        seed: u64,
    ) -> Self {
        let exams = counts.into_iter().map(|(task, count)| TaskExam {
            name: task.name().to_owned(),
            task,
            exam: exam(task, framework, split, seed, count),
        });
        Self {
            exams: exams.collect(),
        }
    }

    /// And so many of each unseen task's, over pictures that look like each target's.
    #[must_use]
    pub(crate) fn with_look_alikes(
        mut self,
        targets: &[Task],
        framework: Framework,
        split: Split,
        seed: u64,
        count: usize,
    ) -> Self {
        for (unseen, target) in look_alikes(targets) {
            self.exams.push(TaskExam {
                name: look_alike_name(unseen, target),
                task: unseen,
                exam: exam_in(unseen, target.style(), framework, split, seed, count),
            });
        }
        self
    }

    /// The types of the given tasks' questions.
    pub(crate) fn types(&self, tasks: &[Task], seed: u64) -> SeedTypes {
        let known = self.exams.iter().filter(|sat| tasks.contains(&sat.task));
        seed_types(known.map(|sat| (sat.task, sat.exam.as_slice())), seed)
    }

    /// What modules score on those tasks for which `sat` says so.
    pub(crate) fn sit(
        &self,
        modules: impl Fn() -> Result<Vec<Arc<dyn Module>>>,
        sat: impl Fn(Task) -> bool,
        name: &str,
        progress: &Progress,
    ) -> Result<Scores> {
        let mut scores = Scores::new();
        for one in self.exams.iter().filter(|one| sat(one.task)) {
            progress.begin(&Phase {
                name: format!("{}: {name}", one.name),
                total: one.exam.len(),
            });
            let settings = Settings::default();
            let done = evaluate(
                &one.exam,
                modules()?,
                &settings,
                |_| false,
                |_| progress.advance(1),
            )?;
            scores.insert(one.name.clone(), TaskScores::from(&done));
        }
        Ok(scores)
    }
}

/// Every unseen task with every target.
pub(crate) fn look_alikes(targets: &[Task]) -> impl Iterator<Item = (Task, Task)> {
    let targets = targets.iter().copied();
    targets.flat_map(|target| Task::unseen().map(|unseen| (unseen, target)))
}

/// The type of every question.
pub(crate) fn types_of(exam: &[ExamItem]) -> Vec<String> {
    exam.iter().map(|item| item.kind.clone()).collect()
}

/// The types of one seed's questions, by task.
pub(crate) fn seed_types<'a>(
    exams: impl IntoIterator<Item = (Task, &'a [ExamItem])>,
    seed: u64,
) -> SeedTypes {
    let exams = exams.into_iter();
    let types = exams.map(|(task, exam)| (task.name().to_owned(), types_of(exam)));
    SeedTypes {
        seed,
        types: types.collect(),
    }
}

/// Distils the tasks one after the other, and measures every task after each. A task of which
/// nothing can be learned leaves the student as it is; the notes say so.
pub(crate) fn chain(
    tasks: &[Task],
    effort: &Effort,
    exams: &Exams,
    seed: u64,
    progress: &Progress,
) -> Result<GridCell> {
    let (mut student, mut memory) = (modules::student(None)?, Memory::default());
    let mut cell = GridCell {
        seed,
        ..GridCell::default()
    };
    for &task in tasks {
        memory = effort.complete(memory, &student, seed, progress)?;
        match effort.distill(task, &student, &memory, seed, None, progress) {
            Ok(distilled) => {
                let part = distilled.steps.last().map(|step| step.part);
                if part == Some(StudentPart::Trunk) && !effort.is_everywhere() {
                    cell.notes.push(format!(
                        "{task}: learned for all pictures, which it is not told from"
                    ));
                }
                student = distilled.student.clone();
                memory = distilled.remember(&student, memory, &effort.settings(seed))?;
            }
            Err(error) => match error.downcast_ref::<DistillError>() {
                Some(DistillError::NothingToLearn { kind, .. }) => {
                    cell.notes
                        .push(format!("{task}: no {kind} call could be learned from"));
                }
                _ => return Err(error),
            },
        }
        let modules = || Ok(student.modules()?);
        cell.stages
            .push(exams.sit(modules, |_| true, "after", progress)?);
    }
    Ok(cell)
}

/// The tasks' names, as grids have them.
pub(crate) fn names(tasks: impl IntoIterator<Item = Task>) -> Vec<String> {
    let tasks = tasks.into_iter();
    tasks.map(|task| task.name().to_owned()).collect()
}
