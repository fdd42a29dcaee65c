//! Sitting an exam: programs run on modules, and what they answer is scored.

use crate::bootstrap::{Interval, mean, mean_interval};
use crate::measured::Measured;
use crate::score::score;
use sdvp_core::Module;
use sdvp_data::Gold;
use sdvp_data::picto::Question;
use sdvp_program::{Inputs, Program, Trace};
use sdvp_runtime::{Job, Run, Runtime, RuntimeError, Settings, Statistics};
use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ops::ControlFlow;
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

impl ExamItem {
    /// A question of the built-in world, its pictures drawn when they are needed.
    pub fn drawn(question: Question, program: Result<Arc<dyn Program>, String>) -> Self {
        Self {
            id: question.id.clone(),
            question: question.text.clone(),
            kind: question.kind.structural.clone(),
            program,
            gold: question.gold.clone(),
            inputs: Arc::new(move || Ok(question.inputs())),
        }
    }
}

/// The questions of an exam.
pub type Exam = Vec<ExamItem>;

/// What came of an exam; every list has one entry a question, in the exam's order.
#[derive(Clone, Debug, Default)]
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
        self.failed() as f64 / self.answers.len().max(1) as f64
    }

    /// Mean, interval and failures; the seed is that of the resampling.
    pub fn measured(&self, seed: u64) -> Measured {
        Measured::new(&self.scores, self.failed(), seed)
    }

    fn failed(&self) -> usize {
        self.answers.iter().filter(|answer| answer.is_err()).count()
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
    evaluate_while(exam, modules, settings, keep, |sat| {
        on_done(sat.index);
        ControlFlow::Continue(())
    })
}

/// A question that was just run.
pub struct Sat<'a> {
    /// Its place in the exam.
    pub index: usize,
    /// The question.
    pub item: &'a ExamItem,
    /// What was answered, or why nothing was.
    pub answer: &'a Result<String, String>,
    /// In `[0, 1]`.
    pub score: f64,
    /// What happened on the way.
    pub run: &'a Run,
}

/// As [`evaluate`], for those who want to know of every question what came of it, in the exam's order.
/// After a break no further program is begun; those that run already are run to their end, and told.
///
/// # Errors
/// If the modules cannot run together.
pub fn evaluate_while(
    exam: &[ExamItem],
    modules: Vec<Arc<dyn Module>>,
    settings: &Settings,
    keep: impl Fn(usize) -> bool,
    mut on_done: impl FnMut(Sat) -> ControlFlow<()>,
) -> Result<Evaluation, RuntimeError> {
    let mut evaluation = Evaluation {
        scores: Vec::with_capacity(exam.len()),
        answers: Vec::with_capacity(exam.len()),
        traces: Vec::with_capacity(exam.len()),
        ..Evaluation::default()
    };
    let statistics = evaluate_each(exam.iter(), modules, settings, |sat| {
        evaluation.scores.push(sat.score);
        evaluation.answers.push(sat.answer.clone());
        let trace = keep(sat.index).then(|| sat.run.trace.clone());
        evaluation.traces.push(trace);
        on_done(sat)
    })?;
    evaluation.statistics = statistics;
    Ok(evaluation)
}

/// Runs the programs of questions that come one by one, and tells of each what came of it, in their
/// order. Nothing is held but the questions that are running, so there may be any number. After a
/// break no further program is begun; those that run already are run to their end, and told.
///
/// # Errors
/// If the modules cannot run together.
pub fn evaluate_each<I: Borrow<ExamItem>>(
    items: impl Iterator<Item = I>,
    modules: Vec<Arc<dyn Module>>,
    settings: &Settings,
    on_done: impl FnMut(Sat) -> ControlFlow<()>,
) -> Result<Statistics, RuntimeError> {
    let runtime = Runtime::new(modules, settings.clone())?;
    Ok(evaluate_each_on(&runtime, items, on_done))
}

/// As [`evaluate_each`] on a runtime that there is already, which remembers what modules answered to
/// programs before.
pub fn evaluate_each_on<I: Borrow<ExamItem>>(
    runtime: &Runtime,
    mut items: impl Iterator<Item = I>,
    mut on_done: impl FnMut(Sat) -> ControlFlow<()>,
) -> Statistics {
    let stopped = Cell::new(false);
    // Those that were handed to the runtime, which tells of them in the same order.
    let running: RefCell<VecDeque<I>> = RefCell::default();
    let going_on = std::iter::from_fn(|| match stopped.get() {
        true => None,
        false => items.next(),
    });
    let jobs = going_on.map(|item| {
        let (program, inputs) = {
            let item: &ExamItem = item.borrow();
            (item.program.clone(), Arc::clone(&item.inputs))
        };
        running.borrow_mut().push_back(item);
        move || {
            let program = program?;
            Ok(Job {
                program,
                inputs: inputs()?,
            })
        }
    });
    runtime.try_run(jobs, |index, run| {
        let Some(item) = running.borrow_mut().pop_front() else {
            return;
        };
        let item: &ExamItem = item.borrow();
        let (score, answer) = match &run.result {
            Ok(value) => (score::<()>(&item.gold, Ok(value)), Ok(value.to_string())),
            Err(error) => (0.0, Err(error.to_string())),
        };
        let told = on_done(Sat {
            index,
            item,
            answer: &answer,
            score,
            run: &run,
        });
        stopped.set(stopped.get() || told.is_break());
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{Digest, Image, ModuleError, Outcome, SubTask, SubTaskKind};
    use sdvp_program::{Execution, RunError, Step, Value};

    /// A program that answers with its text at once, or fails if it has none.
    struct Says(&'static str, Trace);

    impl Program for Says {
        fn start(&self, _: &Inputs) -> Box<dyn Execution> {
            Box::new(Says(self.0, Trace::default()))
        }
        fn source(&self) -> &str {
            self.0
        }
    }

    impl Execution for Says {
        fn start(&mut self) -> Result<Step, RunError> {
            match self.0 {
                "" => Err(RunError::NotWaiting),
                text => Ok(Step::Done(Value::Text(text.to_owned()))),
            }
        }
        fn resume(&mut self, _: Result<Outcome, ModuleError>) -> Result<Step, RunError> {
            Err(RunError::NotWaiting)
        }
        fn trace(&self) -> &Trace {
            &self.1
        }
    }

    /// Answers nothing; these programs do not ask.
    struct Silent;

    impl Module for Silent {
        fn name(&self) -> &str {
            "silent"
        }
        fn answers(&self) -> &[SubTaskKind] {
            &SubTaskKind::TAUGHT
        }
        fn fingerprint(&self) -> Digest {
            Digest::of(b"silent")
        }
        fn run(&self, _: &[SubTask]) -> Vec<Result<Outcome, ModuleError>> {
            Vec::new()
        }
    }

    fn item(program: Result<&'static str, &str>, inputs: Result<(), &'static str>) -> ExamItem {
        let image = Image::new(image::RgbImage::new(2, 2)).unwrap();
        let program =
            program.map(|text| Arc::new(Says(text, Trace::default())) as Arc<dyn Program>);
        ExamItem {
            id: "1".to_owned(),
            question: "What is this?".to_owned(),
            kind: "query".to_owned(),
            program: program.map_err(str::to_owned),
            inputs: Arc::new(move || {
                let images = vec![("IMAGE".to_owned(), image.clone())];
                inputs.map(|()| images).map_err(str::to_owned)
            }),
            gold: Gold::Text("dog".to_owned()),
        }
    }

    #[test]
    fn what_cannot_be_run_is_a_wrong_answer_that_failed() {
        let exam = [
            item(Ok("a dog"), Ok(())),
            item(Ok("cat"), Ok(())),
            item(Ok(""), Ok(())),
            item(Err("line 1: expected a step"), Ok(())),
            item(Ok("dog"), Err("no/such.png is missing")),
        ];
        let mut told = Vec::new();
        let settings = Settings::default();
        let sitting = evaluate(
            &exam,
            vec![Arc::new(Silent)],
            &settings,
            |i| i == 1,
            |i| told.push(i),
        );
        let sitting = sitting.unwrap();
        assert_eq!(sitting.scores, [1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(sitting.answers[1], Ok("cat".to_owned()));
        assert_eq!(
            sitting.answers[3],
            Err("line 1: expected a step".to_owned())
        );
        assert_eq!(sitting.answers[4], Err("no/such.png is missing".to_owned()));
        assert_eq!(sitting.failure_rate(), 0.6);
        assert_eq!(sitting.measured(0).failure_rate, 0.6);
        assert_eq!(
            (sitting.statistics.executions, sitting.statistics.failed),
            (5, 3)
        );
        let kept: Vec<bool> = sitting.traces.iter().map(Option::is_some).collect();
        assert_eq!(kept, [false, true, false, false, false]);
        assert_eq!(told, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn after_a_break_no_further_program_is_begun() {
        let exam = vec![item(Ok("dog"), Ok(())); 9];
        let settings = Settings {
            in_flight: 2,
            ..Settings::default()
        };
        let mut told = Vec::new();
        let silent = vec![Arc::new(Silent) as Arc<dyn Module>];
        let sitting = evaluate_while(
            &exam,
            silent,
            &settings,
            |_| false,
            |sat| {
                told.push((sat.index, sat.answer.clone(), sat.score));
                match sat.index {
                    3 => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            },
        );
        assert_eq!(sitting.unwrap().scores, [1.0; 4]);
        assert_eq!(told[3], (3, Ok("dog".to_owned()), 1.0));
        assert_eq!(told.len(), 4);
    }

    #[test]
    fn questions_that_come_one_by_one_are_let_go_of_one_by_one() {
        let settings = Settings {
            in_flight: 3,
            ..Settings::default()
        };
        let begun = Cell::new(0usize);
        let items = (0..50).map(|number| {
            begun.set(begun.get() + 1);
            ExamItem {
                id: number.to_string(),
                ..item(Ok("dog"), Ok(()))
            }
        });
        let mut told = 0;
        let silent = vec![Arc::new(Silent) as Arc<dyn Module>];
        let statistics = evaluate_each(items, silent, &settings, |sat| {
            assert_eq!(
                (sat.index, sat.item.id.as_str()),
                (told, told.to_string().as_str())
            );
            assert!(begun.get() <= told + 3, "{} at {told}", begun.get());
            told += 1;
            match told {
                40 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        assert_eq!(statistics.unwrap().executions, begun.get());
        assert!((40..43).contains(&told) && begun.get() == told);
    }
}
