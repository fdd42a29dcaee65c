//! What came of the questions of a run, as far as its reports need it: some tens of bytes each.

use crate::exam::single_question;
use crate::questions::Questions;
use crate::recording::Recording;
use anyhow::Result;
use sdvp_core::Module;
use sdvp_eval::{ExamItem, Measured, evaluate_each};
use sdvp_runtime::{Settings, Statistics};
use sdvp_store::StoreError;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What came of every question, by number.
pub(crate) struct Answers {
    /// In `[0, 1]`; failures score 0.
    scores: Vec<f64>,
    /// What was answered, if anything was.
    given: Vec<Option<Box<str>>>,
    known: Vec<bool>,
    /// Whose program failed.
    failed: BTreeSet<usize>,
    /// Which of these were put otherwise.
    fallen_back: BTreeSet<usize>,
    /// What may still come to something else when the run is gone on with, and is not written.
    open: BTreeSet<usize>,
    /// What it cost.
    pub(crate) statistics: Statistics,
}

/// Who answers, and where it is written.
pub(crate) struct Answering<'a> {
    pub(crate) questions: &'a Questions<'a>,
    pub(crate) count: usize,
    pub(crate) modules: Vec<Arc<dyn Module>>,
    pub(crate) settings: Settings,
    pub(crate) recording: Option<&'a mut Recording>,
}

impl Answers {
    /// None yet, of so many questions.
    pub(crate) fn none(count: usize) -> Self {
        Self {
            scores: vec![0.0; count],
            given: vec![None; count],
            known: vec![false; count],
            failed: BTreeSet::new(),
            fallen_back: BTreeSet::new(),
            open: BTreeSet::new(),
            statistics: Statistics::default(),
        }
    }

    /// Notes what was answered to a question, if anything was.
    pub(crate) fn set(&mut self, number: usize, answer: Option<&str>, score: f64) {
        if let (Some(known), Some(own_score), Some(given)) = (
            self.known.get_mut(number),
            self.scores.get_mut(number),
            self.given.get_mut(number),
        ) {
            (*known, *own_score, *given) = (true, score, answer.map(Box::from));
        }
    }

    /// Notes that the program of a question failed; and whether it was put otherwise.
    pub(crate) fn set_failed(&mut self, number: usize, fallen_back: bool) {
        self.failed.insert(number);
        if fallen_back {
            self.fallen_back.insert(number);
        }
    }

    /// Notes that a question may still come to something else, and is not written.
    pub(crate) fn set_open(&mut self, number: usize) {
        self.open.insert(number);
    }

    /// Whether it is known what came of a question.
    pub(crate) fn knows(&self, number: usize) -> bool {
        self.known.get(number) == Some(&true)
    }

    /// What was answered to a question, if anything was.
    pub(crate) fn given(&self, number: usize) -> Option<&str> {
        self.given.get(number)?.as_deref()
    }

    /// How many questions were put otherwise when their program had failed.
    pub(crate) fn fallen_back(&self) -> usize {
        self.fallen_back.len()
    }

    /// Mean, interval and failures; the seed is that of the resampling.
    pub(crate) fn measured(&self, seed: u64) -> Measured {
        Measured::new(&self.scores, self.failed.len(), seed)
    }
}

impl Answering<'_> {
    /// What is known already: what is written of a run that is gone on with.
    pub(crate) fn known(&self) -> Result<Answers> {
        let mut answers = Answers::none(self.count);
        if let Some(recording) = &self.recording {
            recording.restore(&mut answers)?;
        }
        Ok(answers)
    }

    /// Runs every question's program of which it is not known what came of it, and writes that as soon as
    /// it and all before it have ended. If one cannot be written, no further is begun.
    pub(crate) fn answer(
        &mut self,
        answers: &mut Answers,
        mut on_done: impl FnMut(),
    ) -> Result<()> {
        let finished = answers.known.clone();
        let is_missing = |number: &usize| finished.get(*number) == Some(&false);
        for _ in 0..finished.iter().filter(|known| **known).count() {
            on_done();
        }
        let mut missing = (0..self.count).filter(is_missing);
        let (modules, settings) = (self.modules.clone(), &self.settings);
        let (recording, found) = (&mut self.recording, &mut *answers);
        let mut refused = None;
        let statistics = self.questions.stream(
            self.count,
            |number| is_missing(&number),
            |items| {
                let statistics = evaluate_each(items, modules, settings, |sat| {
                    let Some(number) = missing.next() else {
                        return ControlFlow::Break(());
                    };
                    let written = match (&refused, recording.as_deref_mut()) {
                        (None, Some(recording)) => recording.write(number, &sat),
                        _ => Ok(()),
                    };
                    found.set(number, sat.answer.as_deref().ok(), sat.score);
                    if sat.answer.is_err() {
                        found.set_failed(number, false);
                    }
                    on_done();
                    going_on(&mut refused, written)
                });
                Ok(statistics?)
            },
        );
        let statistics = refused.map_or(Ok(statistics), Err)??;
        answers.statistics.add(&statistics);
        Ok(())
    }

    /// Puts the questions whose program failed to the answer module as a whole, but for those that were
    /// before. They count as failed all the same.
    pub(crate) fn fall_back(&mut self, answers: &mut Answers) -> Result<()> {
        let failed: BTreeSet<usize> = answers
            .failed
            .difference(&answers.fallen_back)
            .copied()
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        let open = answers.open.clone();
        let mut numbers = failed.iter();
        let (modules, settings) = (self.modules.clone(), &self.settings);
        let (recording, found) = (&mut self.recording, &mut *answers);
        let mut refused = None;
        let statistics = self.questions.stream(
            self.count,
            |number| failed.contains(&number),
            |items| {
                let asked = items.map(|item| ExamItem {
                    program: single_question(&item.question),
                    ..item
                });
                let statistics = evaluate_each(asked, modules, settings, |sat| {
                    let Some(&number) = numbers.next() else {
                        return ControlFlow::Break(());
                    };
                    let answer = sat.answer.as_deref().ok();
                    let written = match (&refused, recording.as_deref_mut()) {
                        (None, Some(recording)) if !open.contains(&number) => {
                            recording.write_fallback(number, answer, sat.score)
                        }
                        _ => Ok(()),
                    };
                    found.set(number, answer, sat.score);
                    found.set_failed(number, true);
                    going_on(&mut refused, written)
                });
                Ok(statistics?)
            },
        );
        let statistics = refused.map_or(Ok(statistics), Err)??;
        answers.statistics.add(&statistics);
        Ok(())
    }
}

/// Keeps the first reason why something could not be written, after which nothing more is begun.
fn going_on(refused: &mut Option<StoreError>, written: Result<(), StoreError>) -> ControlFlow<()> {
    if let Err(error) = written {
        refused.get_or_insert(error);
    }
    match refused {
        None => ControlFlow::Continue(()),
        Some(_) => ControlFlow::Break(()),
    }
}
