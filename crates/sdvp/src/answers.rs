//! What came of the questions of a run, as far as its reports need it: some tens of bytes each.

use crate::exam::single_question;
use crate::questions::Questions;
use crate::recording::Recording;
use anyhow::Result;
use sdvp_core::Module;
use sdvp_eval::{ExamItem, Measured, Sat, evaluate_each};
use sdvp_runtime::{Settings, Statistics};
use sdvp_store::StoreError;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Different reasons of failures that are told apart; there may be one for every question.
const REASONS: usize = 10_000;
/// Letters of a reason that are told.
const REASON: usize = 200;

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
    /// Why programs failed, and how many did for it.
    reasons: BTreeMap<Box<str>, usize>,
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
            reasons: BTreeMap::new(),
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

    /// Notes why a program failed.
    pub(crate) fn note_reason(&mut self, error: &str) {
        let reason = reason(error);
        if let Some(count) = self.reasons.get_mut(reason.as_str()) {
            *count += 1;
        } else if self.reasons.len() < REASONS {
            self.reasons.insert(reason.into(), 1);
        }
    }

    /// The most frequent reasons why programs failed, with how many did.
    pub(crate) fn reasons(&self, most: usize) -> Vec<(&str, usize)> {
        let reasons = self.reasons.iter();
        let mut reasons: Vec<_> = reasons.map(|(reason, count)| (&**reason, *count)).collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons.truncate(most);
        reasons
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

    /// How many questions there are.
    pub(crate) fn count(&self) -> usize {
        self.scores.len()
    }

    /// How many questions may still come to something else, and are not scored.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Whether there was something to be run, and all of it failed.
    pub(crate) fn all_failed(&self) -> bool {
        let scored = self.scores.len().saturating_sub(self.open.len());
        scored > 0 && self.failed.difference(&self.open).count() == scored
    }

    /// Mean, interval and failures of what is settled; the seed is that of the resampling.
    pub(crate) fn measured(&self, seed: u64) -> Measured {
        let settled = self.scores.iter().enumerate();
        let settled = settled.filter(|(number, _)| !self.open.contains(number));
        let scores: Vec<f64> = settled.map(|(_, score)| *score).collect();
        Measured::new(&scores, self.failed.difference(&self.open).count(), seed)
    }
}

/// What an error says in one line, which others may have in common: of a traceback the last.
fn reason(error: &str) -> String {
    let mut lines = error.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let line = match first.starts_with("Traceback") {
        true => lines.rfind(|line| !line.is_empty()).unwrap_or(first),
        // Which question it is, is of that alone.
        false => match first.strip_prefix("question ") {
            Some(named) => named.split_once(": ").map_or(first, |(_, why)| why),
            None => first,
        },
    };
    match line.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
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
        let missing: Vec<usize> = (0..self.count).filter(|n| !answers.knows(*n)).collect();
        for _ in missing.len()..self.count {
            on_done();
        }
        let statistics = self.go_through(
            &missing,
            |item| item,
            |number, sat, recording| {
                answers.set(number, sat.answer.as_deref().ok(), sat.score);
                if let Err(error) = sat.answer {
                    answers.set_failed(number, false);
                    answers.note_reason(error);
                }
                on_done();
                recording.map_or(Ok(()), |recording| recording.write(number, sat))
            },
        )?;
        answers.statistics.add(&statistics);
        Ok(())
    }

    /// Puts the questions whose program failed to the answer module as a whole, but for those that were
    /// before. They count as failed all the same.
    pub(crate) fn fall_back(&mut self, answers: &mut Answers) -> Result<()> {
        let failed = answers.failed.difference(&answers.fallen_back);
        let failed: Vec<usize> = failed.copied().collect();
        if failed.is_empty() {
            return Ok(());
        }
        let statistics = self.go_through(
            &failed,
            |item| ExamItem {
                program: single_question(&item.question),
                ..item
            },
            |number, sat, recording| {
                let answer = sat.answer.as_deref().ok();
                answers.set(number, answer, sat.score);
                answers.set_failed(number, true);
                match recording {
                    Some(recording) if !answers.open.contains(&number) => {
                        recording.write_fallback(number, answer, sat.score)
                    }
                    _ => Ok(()),
                }
            },
        )?;
        answers.statistics.add(&statistics);
        Ok(())
    }

    /// Has the questions of ascending numbers `put` and `told` of each, in their order, with where it is
    /// to be written, if anywhere. After the first that cannot be written, no further is begun, and no
    /// other written.
    fn go_through(
        &mut self,
        numbers: &[usize],
        put: impl Fn(ExamItem) -> ExamItem,
        mut told: impl FnMut(usize, &Sat, Option<&mut Recording>) -> Result<(), StoreError>,
    ) -> Result<Statistics> {
        let mut to_come = numbers.iter();
        let (modules, settings) = (self.modules.clone(), &self.settings);
        let recording = &mut self.recording;
        let mut refused = None;
        let statistics = self.questions.stream(
            self.count,
            |number| numbers.binary_search(&number).is_ok(),
            |items| {
                let statistics = evaluate_each(items.map(put), modules, settings, |sat| {
                    let Some(&number) = to_come.next() else {
                        return ControlFlow::Break(());
                    };
                    let recording = match refused {
                        None => recording.as_deref_mut(),
                        Some(_) => None,
                    };
                    if let Err(error) = told(number, &sat, recording) {
                        refused = Some(error);
                    }
                    match refused {
                        None => ControlFlow::Continue(()),
                        Some(_) => ControlFlow::Break(()),
                    }
                });
                Ok(statistics?)
            },
        );
        match refused {
            Some(error) => Err(error.into()),
            None => statistics,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_by_what_they_have_in_common() {
        let mut answers = Answers::none(5);
        let raised = |line: usize| {
            format!("Traceback (most recent call last):\n  line {line}, in f\n    x\nTypeError: no")
        };
        for error in [
            raised(1),
            raised(7),
            "no program".to_owned(),
            "a".repeat(999),
        ] {
            answers.note_reason(&error);
        }
        let long = "a".repeat(REASON) + "…";
        let all = [("TypeError: no", 2), (long.as_str(), 1), ("no program", 1)];
        assert_eq!(answers.reasons(9), all);
        assert_eq!(answers.reasons(1), all[..1]);
    }

    #[test]
    fn what_is_open_is_not_scored() {
        let mut answers = Answers::none(3);
        answers.set(0, Some("yes"), 1.0);
        answers.set(1, None, 0.0);
        answers.set_failed(1, false);
        answers.set_open(1);
        answers.set(2, Some("no"), 0.0);
        let measured = answers.measured(0);
        assert_eq!(
            (measured.n, measured.mean, measured.failure_rate),
            (2, 0.5, 0.0)
        );
        assert_eq!((answers.open(), answers.all_failed()), (1, false));
        answers.set_failed(0, true);
        answers.set_failed(2, false);
        assert!(answers.all_failed());
        answers.set_open(0);
        answers.set_open(2);
        assert!(!answers.all_failed());
        assert!(!Answers::none(0).all_failed());
    }
}
