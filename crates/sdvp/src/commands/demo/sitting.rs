//! The demo's tasks, with the questions and what came of them.

use super::{KEPT, Scale};
use crate::exam::{Framework, exam_in, look_alike_name, questions_of};
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
    /// The target that its pictures look like, if it is not to look like itself.
    pub(super) like: Option<Task>,
    pub(super) exam: Exam,
    /// The first questions, whose programs' calls are looked at.
    pub(super) questions: Vec<Arc<Question>>,
    /// The student as it is.
    pub(super) before: Evaluation,
    /// Teachers in its place: those of the target that is asked for or looked like, or else the mean of
    /// all.
    pub(super) replaced: Evaluation,
    /// The student after each target that was learned.
    pub(super) stages: Vec<Evaluation>,
}

impl Sitting {
    /// A task's programs of a framework, before anything is learned; over pictures that look like those of
    /// another one, if there is one.
    pub(super) fn before(
        (task, like): (Task, Option<Task>),
        framework: Framework,
        scale: &Scale,
        base: &Student,
        teachers: &[Teachers],
        seed: u64,
        watch: &mut Stopwatch,
    ) -> Result<Self> {
        let target = Some(task).filter(|task| Task::targets().contains(task));
        let count = match (target, like) {
            (Some(_), _) => scale.target_questions,
            (None, None) => scale.unseen_questions,
            (None, Some(_)) => scale.look_alike_questions,
        };
        let style = like.unwrap_or(task).style();
        let exam = exam_in(task, style, framework, Split::Test, seed, count);
        let name = name_of(task, like);
        let before = watch.sit(&exam, base.modules()?, &format!("{name}: before"))?;
        let own = target.or(like);
        let replaced: Vec<Evaluation> = teachers
            .iter()
            .filter(|teacher| own.is_none_or(|own| teacher.task == own))
            .map(|teacher| {
                let name = format!("{name}: teachers of {}", teacher.task);
                watch.sit(&exam, teacher.modules(), &name)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            task,
            like,
            exam,
            questions: questions_of(task, Split::Test, seed, count.min(KEPT)),
            before,
            replaced: mean_of(&replaced),
            stages: Vec::new(),
        })
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        name_of(self.task, self.like)
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
        let name = format!("{}: after {learned}", self.name());
        let evaluation = watch.sit(&self.exam, student.modules()?, &name)?;
        self.stages.push(evaluation);
        Ok(())
    }
}

fn name_of(task: Task, like: Option<Task>) -> String {
    match like {
        Some(like) => look_alike_name(task, like),
        None => task.name().to_owned(),
    }
}

/// One evaluation of each sitting, by task.
pub(super) fn scores_of(
    sittings: &[Sitting],
    which: impl Fn(&Sitting) -> Option<&Evaluation>,
) -> Scores {
    let all = sittings.iter();
    all.filter_map(|s| Some((s.name(), TaskScores::from(which(s)?))))
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
