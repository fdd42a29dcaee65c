//! Runs an exam whose programs a language model writes until every question has the answer that counts:
//! programs that fail are sent back and run again, answers vote.
//!
//! The store has one program, one answer and the steps of one run for each question. So a question is
//! written when it is settled, with the run that counts; the other programs that voted, and those that
//! were sent back, are in `programs.jsonl` only. To have their steps, too, each would have to be a
//! question of its own, and every sum over questions would count some of them several times.

use crate::answers::Answers;
use crate::exam::Reader;
use crate::progress::Progress;
use crate::recording::Recording;
use crate::written::Writing;
use anyhow::Result;
use sdvp_distill::{Observer, Phase};
use sdvp_eval::{ExamItem, Sat, evaluate_each_on, normalized};
use sdvp_language::{Ballot, Ran, Writer};
use sdvp_runtime::{Run, RunFailure, Runtime};
use sdvp_store::{QuestionRecord, StoreError};
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

/// Runs an exam whose programs a language model writes, but for what `answers` knows already. A question
/// is written as soon as it is settled; if one cannot be, no further program is begun. One of which a
/// language model could not be asked to the end, for want of budget or of the model, is answered as far
/// as it goes and not written: whoever goes on with the run asks again.
pub(crate) fn settle(
    exam: &[ExamItem],
    runtime: &Runtime,
    (writing, reader): (&mut Writing<'_>, &Reader),
    recording: Option<&mut Recording>,
    answers: &mut Answers,
    progress: &Progress,
    name: &str,
) -> Result<()> {
    let together = TOGETHER / writing.samples().max(1);
    let (writer, ballots) = writing.open();
    let mut open: Vec<(usize, &mut Ballot)> = ballots
        .iter_mut()
        .enumerate()
        .filter(|(number, _)| !answers.knows(*number))
        .collect();
    let mut settling = Settling {
        exam,
        answers,
        recording,
        refused: None,
        progress,
        name,
    };
    for piece in open.chunks_mut(together.max(1)) {
        settling.in_rounds(piece, writer, reader, runtime)?;
    }
    progress.end();
    Ok(())
}

/// What a program came to, until it is known whether it counts.
struct Held {
    score: f64,
    answer: Result<String, String>,
    record: Option<QuestionRecord>,
}

struct Settling<'a> {
    exam: &'a [ExamItem],
    answers: &'a mut Answers,
    recording: Option<&'a mut Recording>,
    /// Why a question could not be written.
    refused: Option<StoreError>,
    progress: &'a Progress,
    name: &'a str,
}

impl Settling<'_> {
    fn begin(&self, what: &str, total: usize) {
        let name = format!("{what} {}", self.name);
        self.progress.begin(&Phase { name, total });
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
            self.run(&items, runtime, |settling, sat| {
                let Some(&(place, sample)) = places.get(sat.index) else {
                    return;
                };
                let Some((at, ballot)) = questions.get_mut(place) else {
                    return;
                };
                held.insert((place, sample), settling.held(*at, &sat));
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
        mut each: impl FnMut(&mut Self, Sat<'_>),
    ) -> Result<()> {
        let statistics = evaluate_each_on(runtime, items.iter(), |sat| {
            each(self, sat);
            self.progress.advance(1);
            match self.refused {
                None => ControlFlow::Continue(()),
                Some(_) => ControlFlow::Break(()),
            }
        });
        self.answers.statistics.add(&statistics);
        match self.refused.take() {
            None => Ok(()),
            Some(refused) => Err(refused.into()),
        }
    }

    /// What is to be kept of a run, while it is not known whether it counts.
    fn held(&self, at: usize, sat: &Sat<'_>) -> Held {
        let recording = self.recording.as_ref();
        Held {
            score: sat.score,
            answer: sat.answer.clone(),
            record: recording.map(|recording| recording.record(at, sat)),
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
        let answer = held.answer.as_deref().ok();
        self.answers.set(at, answer, held.score);
        if let Err(error) = &held.answer {
            self.answers.set_failed(at, false);
            if is_final {
                self.answers.note_reason(error);
            }
        }
        if !is_final {
            self.answers.set_open(at);
        }
        if self.refused.is_some() || !is_final {
            return;
        }
        if let (Some(recording), Some(record)) = (self.recording.as_mut(), held.record) {
            self.refused = recording.write_record(record).err();
        }
    }
}
