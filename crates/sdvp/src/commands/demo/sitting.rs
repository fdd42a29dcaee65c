//! The demo's tasks, with the questions and what came of them.

use super::{KEPT, Scale};
use crate::exam::{Framework, exam, questions_of};
use crate::modules::Teachers;
use crate::progress::Progress;
use anyhow::Result;
use sdvp_core::Module;
use sdvp_data::Task;
use sdvp_data::picto::{Question, Split};
use sdvp_distill::{Observer, Phase};
use sdvp_eval::report::{Scores, TaskScores, Timing};
use sdvp_eval::{Evaluation, Exam, ExamItem, evaluate, mean_by_question};
use sdvp_modules::Student;
use sdvp_runtime::{Settings, Statistics};
use std::sync::Arc;
use std::time::Instant;

/// A task with its questions and what came of them.
pub(super) struct Sitting {
    pub(super) task: Task,
    pub(super) exam: Exam,
    /// The first questions, whose programs' calls are looked at.
    pub(super) questions: Vec<Arc<Question>>,
    /// The student as it is.
    pub(super) before: Evaluation,
    /// Teachers in its place: on a target its own, on an unseen task the mean of all.
    pub(super) replaced: Evaluation,
    /// The student after each target that was learned.
    pub(super) stages: Vec<Evaluation>,
}

impl Sitting {
    /// A task's programs of a framework, before anything is learned.
    pub(super) fn before(
        task: Task,
        framework: Framework,
        scale: &Scale,
        base: &Student,
        teachers: &[Teachers],
        seed: u64,
        watch: &mut Stopwatch,
    ) -> Result<Self> {
        let target = Task::targets().contains(&task);
        let count = if target {
            scale.target_questions
        } else {
            scale.unseen_questions
        };
        let exam = exam(task, framework, Split::Test, seed, count);
        let before = watch.sit(&exam, base.modules()?, &format!("{task}: before"))?;
        let replaced: Vec<Evaluation> = teachers
            .iter()
            .filter(|teacher| !target || teacher.task == task)
            .map(|teacher| {
                let name = format!("{task}: teachers of {}", teacher.task);
                watch.sit(&exam, teacher.modules(), &name)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            task,
            exam,
            questions: questions_of(task, Split::Test, seed, count.min(KEPT)),
            before,
            replaced: mean_of(&replaced),
            stages: Vec::new(),
        })
    }

    /// The student after everything.
    pub(super) fn after(&self) -> &Evaluation {
        self.stages.last().unwrap_or(&self.before)
    }

    /// Sits the exam once more, after `learned`.
    pub(super) fn again(
        &mut self,
        student: &Student,
        learned: &str,
        watch: &mut Stopwatch,
    ) -> Result<()> {
        let name = format!("{}: after {learned}", self.task);
        let evaluation = watch.sit(&self.exam, student.modules()?, &name)?;
        self.stages.push(evaluation);
        Ok(())
    }
}

/// One evaluation of each sitting, by task.
pub(super) fn scores_of(
    sittings: &[Sitting],
    which: impl Fn(&Sitting) -> Option<&Evaluation>,
) -> Scores {
    let all = sittings.iter();
    all.filter_map(|s| Some((s.task.name().to_owned(), TaskScores::from(which(s)?))))
        .collect()
}

/// Several sittings of one exam as one, question by question.
fn mean_of(sittings: &[Evaluation]) -> Evaluation {
    let scores: Vec<&[f64]> = sittings.iter().map(|s| s.scores.as_slice()).collect();
    Evaluation {
        scores: mean_by_question(&scores),
        ..sittings.first().cloned().unwrap_or_default()
    }
}

/// What the phases of the demo share.
pub(super) struct Stopwatch {
    pub(super) progress: Progress,
    pub(super) timings: Vec<Timing>,
    pub(super) statistics: Statistics,
}

impl Stopwatch {
    pub(super) fn sit(
        &mut self,
        exam: &[ExamItem],
        modules: Vec<Arc<dyn Module>>,
        name: &str,
    ) -> Result<Evaluation> {
        self.progress.begin(&Phase {
            name: name.to_owned(),
            total: exam.len(),
        });
        let progress = &self.progress;
        let evaluation = evaluate(
            exam,
            modules,
            &Settings::default(),
            |i| i < KEPT,
            |_| progress.advance(1),
        )?;
        self.statistics.add(&evaluation.statistics);
        Ok(evaluation)
    }

    pub(super) fn time(&mut self, name: &str, since: Instant) {
        self.timings.push(Timing {
            phase: name.to_owned(),
            seconds: since.elapsed().as_secs_f64(),
        });
    }
}
