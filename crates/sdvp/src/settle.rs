//! Runs an exam until every question has the answer that counts: what was finished before stays as it
//! was, programs of a language model that fail are sent back and run again, answers vote.
//!
//! The store has one program, one answer and the steps of one run for each question. So a question is
//! written when it is settled, with the run that counts; the other programs that voted, and those that
//! were sent back, are in `programs.jsonl` only. To have their steps, too, each would have to be a
//! question of its own, and every sum over questions would count some of them several times.

use crate::exam::Reader;
use crate::progress::Progress;
use crate::recording::Recording;
use crate::written::Writing;
use anyhow::Result;
use sdvp_distill::{Observer, Phase};
use sdvp_eval::{Evaluation, ExamItem, Sat, evaluate_on, normalized};
use sdvp_language::{Ballot, Ran, Writer};
use sdvp_runtime::{Run, RunFailure, Runtime, Statistics};
use sdvp_store::{QuestionRecord, StoreError};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

/// So many programs of a language model are run before those of them that failed are sent back
/// together. As many are in flight: their pictures are held until it is known which program counts.
const TOGETHER: usize = 1024;

/// What came of a run, for those who vote. Answers are compared as they are scored.
pub(crate) fn ran(run: &Run) -> Ran {
    match &run.result {
        Ok(value) => Ran::Answered(normalized(&value.to_string())),
        Err(RunFailure::Program(failure)) => Ran::Failed(failure.to_string()),
        // Neither a missing picture nor a fault of the interpreter goes away by another program.
        Err(RunFailure::Job(_) | RunFailure::Panicked(_)) => Ran::Impossible,
    }
}

/// Runs an exam; `writing` has the programs, if a language model writes them. A question is written as
/// soon as it is settled; if one cannot be, no further program is begun. One of which a language model
/// could not be asked to the end, for want of budget or of the model, is answered as far as it goes and
/// not written: whoever goes on with the run asks again.
pub(crate) fn settle(
    exam: &[ExamItem],
    runtime: &Runtime,
    writing: Option<(&mut Writing<'_>, &Reader)>,
    recording: Option<&mut Recording>,
    progress: &Progress,
    name: &str,
) -> Result<Evaluation> {
    let mut settling = Settling {
        exam,
        outcomes: vec![None; exam.len()],
        recording,
        statistics: Statistics::default(),
        refused: None,
        progress,
        name,
    };
    let missing = settling.missing();
    match writing {
        None => settling.at_once(&missing, runtime)?,
        Some((writing, reader)) => {
            let together = TOGETHER / writing.samples().max(1);
            let (writer, ballots) = writing.open();
            let mut open: Vec<(usize, &mut Ballot)> = ballots
                .iter_mut()
                .enumerate()
                .filter(|(number, _)| missing.binary_search(number).is_ok())
                .collect();
            for piece in open.chunks_mut(together.max(1)) {
                settling.in_rounds(piece, writer, reader, runtime)?;
            }
        }
    }
    progress.end();
    Ok(settling.evaluation())
}

/// A score and an answer, or why there is none.
type Outcome = (f64, Result<String, String>);

/// What a program came to, until it is known whether it counts.
struct Held {
    outcome: Outcome,
    record: Option<QuestionRecord>,
}

struct Settling<'a> {
    exam: &'a [ExamItem],
    outcomes: Vec<Option<Outcome>>,
    recording: Option<&'a mut Recording>,
    statistics: Statistics,
    /// Why a question could not be written.
    refused: Option<StoreError>,
    progress: &'a Progress,
    name: &'a str,
}

impl Settling<'_> {
    /// The questions that are not finished yet, in their order.
    fn missing(&self) -> Vec<usize> {
        let finished = self
            .recording
            .as_ref()
            .map(|recording| recording.finished());
        let numbers = (0..self.exam.len()).zip(0u32..);
        numbers
            .filter(|(_, number)| finished.is_none_or(|finished| !finished.contains_key(number)))
            .map(|(at, _)| at)
            .collect()
    }

    fn begin(&self, what: &str, total: usize) {
        let name = format!("{what} {}", self.name);
        self.progress.begin(&Phase { name, total });
    }

    /// Runs questions that have their programs.
    fn at_once(&mut self, missing: &[usize], runtime: &Runtime) -> Result<()> {
        let exam = self.exam;
        let items: Cow<'_, [ExamItem]> = match missing.len() == exam.len() {
            true => Cow::Borrowed(exam),
            false => missing
                .iter()
                .filter_map(|&at| exam.get(at))
                .cloned()
                .collect(),
        };
        self.begin("running", exam.len());
        self.progress.advance(exam.len() - missing.len());
        self.run(&items, runtime, |settling, item, sat| {
            if let Some(&at) = missing.get(sat.index) {
                let held = settling.held(at, item, &sat);
                settling.commit(at, held, true);
            }
        })
    }

    /// Runs what a language model wrote for some questions, sends back what fails, and runs that again,
    /// until each is settled.
    fn in_rounds(
        &mut self,
        questions: &mut [(usize, &mut Ballot)],
        writer: &Writer<'_>,
        reader: &Reader,
        runtime: &Runtime,
    ) -> Result<()> {
        let exam = self.exam;
        let mut held: HashMap<(usize, usize), Held> = HashMap::new();
        let mut open: BTreeSet<usize> = (0..questions.len()).collect();
        let mut what = "running";
        loop {
            let mut places = Vec::new();
            let mut items = Vec::new();
            for (place, (at, ballot)) in questions.iter().enumerate() {
                let Some(item) = exam.get(*at) else { continue };
                for (sample, program) in ballot.waiting() {
                    let program = program.map_err(ToString::to_string);
                    let program = program.and_then(|source| reader.program_for(item, source));
                    places.push((place, sample));
                    items.push(ExamItem {
                        program,
                        ..item.clone()
                    });
                }
            }
            self.begin(what, items.len());
            self.run(&items, runtime, |settling, item, sat| {
                let Some(&(place, sample)) = places.get(sat.index) else {
                    return;
                };
                let Some((at, ballot)) = questions.get_mut(place) else {
                    return;
                };
                held.insert((place, sample), settling.held(*at, item, &sat));
                ballot.ran(sample, ran(sat.run));
                if ballot.is_settled() && open.remove(&place) {
                    settling.elect(place, *at, ballot, &mut held);
                }
            })?;
            // Of these questions some program failed and may be sent back.
            let mut failed: Vec<&mut Ballot> = questions
                .iter_mut()
                .enumerate()
                .filter(|(place, _)| open.contains(place))
                .map(|(_, (_, ballot))| &mut **ballot)
                .collect();
            let mut mended = 0;
            if !failed.is_empty() {
                self.begin("sending back failed programs of", failed.len());
                mended = writer.mend_failed(&mut failed);
            }
            // Where nothing came that could be run, that was all.
            for (place, (at, ballot)) in questions.iter().enumerate() {
                if ballot.is_settled() && open.remove(&place) {
                    self.elect(place, *at, ballot, &mut held);
                }
            }
            if let Some(refused) = self.refused.take() {
                return Err(refused.into());
            }
            if mended == 0 {
                return Ok(());
            }
            what = "running mended programs of";
        }
    }

    /// Runs items; `each` is told of every one in their order.
    fn run(
        &mut self,
        items: &[ExamItem],
        runtime: &Runtime,
        mut each: impl FnMut(&mut Self, &ExamItem, Sat<'_>),
    ) -> Result<()> {
        let done = evaluate_on(
            runtime,
            items,
            |_| false,
            |sat| {
                if let Some(item) = items.get(sat.index) {
                    each(self, item, sat);
                }
                self.progress.advance(1);
                match self.refused {
                    None => ControlFlow::Continue(()),
                    Some(_) => ControlFlow::Break(()),
                }
            },
        );
        self.statistics.add(&done.statistics);
        match self.refused.take() {
            None => Ok(()),
            Some(refused) => Err(refused.into()),
        }
    }

    /// What is to be kept of a run, while it is not known whether it counts.
    fn held(&self, at: usize, item: &ExamItem, sat: &Sat<'_>) -> Held {
        let record = self.recording.as_ref().and_then(|recording| {
            let number = u32::try_from(at).ok()?;
            Some(recording.record(number, item, sat))
        });
        Held {
            outcome: (sat.score, sat.answer.clone()),
            record,
        }
    }

    /// Takes the run that counts of a question that is settled, and lets the others go.
    fn elect(
        &mut self,
        place: usize,
        at: usize,
        ballot: &Ballot,
        held: &mut HashMap<(usize, usize), Held>,
    ) {
        for sample in 0..ballot.written().samples.len() {
            if let Some(run) = held.remove(&(place, sample))
                && sample == ballot.chosen()
            {
                self.commit(at, run, ballot.unasked().is_none());
            }
        }
    }

    /// Takes down what a question came to, and writes it if that is final.
    fn commit(&mut self, at: usize, held: Held, is_final: bool) {
        if let Some(outcome) = self.outcomes.get_mut(at) {
            *outcome = Some(held.outcome);
        }
        if self.refused.is_some() || !is_final {
            return;
        }
        if let (Some(recording), Some(record)) = (self.recording.as_mut(), held.record) {
            self.refused = recording.write(record).err();
        }
    }

    /// What was run now and what was before, in the exam's order.
    fn evaluation(self) -> Evaluation {
        let mut whole = Evaluation {
            statistics: self.statistics,
            ..Evaluation::default()
        };
        let finished = self
            .recording
            .as_ref()
            .map(|recording| recording.finished());
        for ((at, outcome), number) in self.outcomes.into_iter().enumerate().zip(0u32..) {
            let before = finished.and_then(|finished| finished.get(&number));
            let (score, answer) = match (outcome, before) {
                (Some(outcome), _) => outcome,
                (None, Some(finished)) => {
                    let failure = finished.error.clone().unwrap_or_default();
                    if finished.fallback {
                        whole.fallen_back.insert(at, failure.clone());
                    }
                    (finished.score, finished.answer.clone().ok_or(failure))
                }
                (None, None) => (0.0, Err("it was not run".to_owned())),
            };
            whole.scores.push(score);
            whole.answers.push(answer);
            whole.traces.push(None);
        }
        whole
    }
}
