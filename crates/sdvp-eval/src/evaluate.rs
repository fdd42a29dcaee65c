//! Sitting an exam: programs run on modules, and what they answer is scored.

use crate::bootstrap::{Interval, mean, mean_interval};
use sdvp_core::Module;
use sdvp_data::Gold;
use sdvp_program::{Inputs, Program, Trace};
use sdvp_runtime::{Job, Runtime, RuntimeError, Settings, Statistics};
use std::sync::Arc;

/// One question of an exam.
#[derive(Clone)]
pub struct ExamItem {
    /// Names the question.
    pub id: String,
    /// The question in words.
    pub question: String,
    /// What kind of question it is, for tables.
    pub kind: String,
    /// Its program, or why there is none: a program that cannot be read is a wrong answer.
    pub program: Result<Arc<dyn Program>, String>,
    /// Makes (renders, decodes) its images.
    pub inputs: Arc<dyn Fn() -> Result<Inputs, String> + Send + Sync>,
    /// The right answer.
    pub gold: Gold,
}

/// The questions of an exam.
pub type Exam = Vec<ExamItem>;

/// What came of one question.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Score of every question, in `[0, 1]`; failures score 0.
    pub scores: Vec<f64>,
    /// What was answered, or why nothing was.
    pub answers: Vec<Result<String, String>>,
    /// What happened, where it was asked to be kept.
    pub traces: Vec<Option<Trace>>,
    /// What it cost.
    pub statistics: Statistics,
}

impl Evaluation {
    /// Mean score.
    pub fn score(&self) -> f64 {
        mean(&self.scores)
    }

    /// 95 % interval of the mean score.
    pub fn interval(&self, seed: u64) -> Interval {
        mean_interval(&self.scores, seed)
    }

    /// Share of questions whose program failed.
    pub fn failure_rate(&self) -> f64 {
        let failed = self.answers.iter().filter(|answer| answer.is_err()).count();
        failed as f64 / self.answers.len().max(1) as f64
    }
}

/// Runs every program and scores its answer. Traces of questions for which `keep` says so are kept.
///
/// # Errors
/// If the modules cannot run together.
pub fn evaluate(
    exam: &[ExamItem],
    modules: Vec<Arc<dyn Module>>,
    settings: &Settings,
    keep: impl Fn(usize) -> bool,
    mut on_done: impl FnMut(usize),
) -> Result<Evaluation, RuntimeError> {
    let runtime = Runtime::new(modules, settings.clone())?;
    let mut evaluation = Evaluation {
        scores: Vec::with_capacity(exam.len()),
        answers: Vec::with_capacity(exam.len()),
        traces: Vec::with_capacity(exam.len()),
        statistics: Statistics::default(),
    };
    let jobs = exam.iter().map(|item| {
        move || {
            let program = item.program.clone()?;
            Ok(Job { program, inputs: (item.inputs)()? })
        }
    });
    let statistics = runtime.try_run(jobs, |index, run| {
        let (score, answer) = match (&run.result, exam.get(index)) {
            (Ok(value), Some(item)) => (item.gold.score(value), Ok(value.to_string())),
            (Err(error), _) => (0.0, Err(error.to_string())),
            (Ok(value), None) => (0.0, Ok(value.to_string())),
        };
        evaluation.scores.push(score);
        evaluation.answers.push(answer);
        evaluation.traces.push(keep(index).then_some(run.trace));
        on_done(index);
    });
    evaluation.statistics = statistics;
    Ok(evaluation)
}
