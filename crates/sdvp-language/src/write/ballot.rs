//! The programs of a question on their way to its answer: run, sent back where they fail, voted on.
//!
//! Who runs them does so as often as a ballot has programs that wait, and [`Writer::mend_failed`]
//! fetches others for those that failed in between. What comes of one program depends on no other
//! question, so it is of no matter how many are run together, or which is done first.

use super::{Sample, Vote, WriteError, Writer, Written};
use crate::prompt::Question;

/// What came of a program that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It answered; equal texts are equal answers.
    Answered(String),
    /// It failed, for this reason.
    Failed(String),
    /// It could not be run, and no other program could: a picture is missing, say.
    Impossible,
}

/// Where a sample is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// It is not run: it has no program, or another one was chosen.
    Out,
    /// It is to be run.
    Waiting,
    /// It answered so.
    Answered(String),
    /// It failed so, and is to be sent back.
    Failed(String),
    /// It has no answer, and will have none.
    Lost,
}

/// The programs of one question.
#[derive(Clone, Debug)]
pub struct Ballot {
    question: Question,
    written: Written,
    vote: Vote,
    repairs: usize,
    /// One a sample.
    places: Vec<Place>,
    /// Whether the program that counts answered only after it had failed.
    repaired: bool,
    /// Whether a program failed for good.
    failed: bool,
    /// Samples that were sent back because they failed when they were run.
    sent_back: Vec<usize>,
    unasked: Option<WriteError>,
}

impl Ballot {
    /// What was written for a question, nothing of it run yet. If programs vote, only the chosen one is
    /// run; if answers do, all are. Each may be sent back `repairs` times, counting from when it was
    /// written.
    pub fn new(question: Question, written: Written, vote: Vote, repairs: usize) -> Self {
        let has_none = written.samples.iter().all(|sample| sample.program.is_err());
        let place = |(number, sample): (usize, &Sample)| {
            let is_chosen = number == written.chosen;
            match vote {
                // Why there is no program is found out by whoever wants to run it.
                _ if has_none && is_chosen => Place::Waiting,
                Vote::Programs if is_chosen => Place::Waiting,
                Vote::Answers if sample.program.is_ok() => Place::Waiting,
                _ => Place::Out,
            }
        };
        let mut samples = written.samples.iter();
        let unasked = samples.find_map(|sample| unasked(&sample.program));
        Self {
            places: written.samples.iter().enumerate().map(place).collect(),
            question,
            written,
            vote,
            repairs,
            repaired: false,
            failed: false,
            sent_back: Vec::new(),
            unasked,
        }
    }

    /// The question.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// What was written; once all is run, with the program that counts and the votes it has.
    pub fn written(&self) -> &Written {
        &self.written
    }

    /// What is voted on, once all is run.
    pub fn vote(&self) -> Vote {
        self.vote
    }

    /// The samples that are to be run, with their programs, or why there is none.
    pub fn waiting(&self) -> impl Iterator<Item = (usize, Result<&str, &WriteError>)> {
        let samples = self.written.samples.iter().zip(&self.places).enumerate();
        samples
            .filter(|(_, (_, place))| **place == Place::Waiting)
            .map(|(number, (sample, _))| {
                let program = sample.program.as_ref();
                (number, program.map(|found| found.program.as_str()))
            })
    }

    /// Takes down what came of a sample that waited.
    pub fn ran(&mut self, number: usize, ran: Ran) {
        let samples = self.written.samples.get_mut(number);
        let Some((place, sample)) = self.places.get_mut(number).zip(samples) else {
            return;
        };
        *place = match ran {
            Ran::Answered(answer) => Place::Answered(answer),
            Ran::Failed(failure) => {
                sample.failure = Some(failure.clone());
                match sample.attempts.len() <= self.repairs {
                    true => Place::Failed(failure),
                    false => Place::Lost,
                }
            }
            Ran::Impossible => Place::Lost,
        };
        self.count();
    }

    /// What is to be sent back.
    fn failed_samples(&self) -> impl Iterator<Item = (usize, &Sample, &str)> {
        let samples = self.written.samples.iter().zip(&self.places).enumerate();
        samples.filter_map(|(number, (sample, place))| match place {
            Place::Failed(failure) => Some((number, sample, failure.as_str())),
            _ => None,
        })
    }

    /// Takes down what came back for a sample that failed. Where nothing came that could be run, the
    /// program that failed stays.
    fn mended(&mut self, number: usize, mended: Sample) {
        let samples = self.written.samples.get_mut(number);
        let Some((place, sample)) = self.places.get_mut(number).zip(samples) else {
            return;
        };
        if !self.sent_back.contains(&number) {
            self.sent_back.push(number);
        }
        if mended.program.is_ok() {
            *sample = mended;
            *place = Place::Waiting;
        } else {
            self.unasked = self.unasked.take().or_else(|| unasked(&mended.program));
            sample.attempts = mended.attempts;
            *place = Place::Lost;
        }
        self.count();
    }

    /// Counts votes once nothing waits and nothing is to be sent back.
    fn count(&mut self) {
        if !self.is_settled() {
            return;
        }
        let answer = |place: &Place| match place {
            Place::Answered(answer) => Some(answer.clone()),
            _ => None,
        };
        let answers: Vec<Option<String>> = self.places.iter().map(answer).collect();
        let mut most = (None, 0);
        for (number, answer) in answers.iter().enumerate() {
            let equal = answers.iter().filter(|other| *other == answer).count();
            if answer.is_some() && equal > most.1 {
                most = (Some(number), equal);
            }
        }
        if self.vote == Vote::Answers {
            self.written.vote = Vote::Answers;
            self.written.votes = most.1;
        }
        match most.0 {
            Some(number) => {
                self.written.chosen = number;
                self.repaired = self.sent_back.contains(&number);
            }
            None => {
                // Of programs that all fail the one that most samples wrote is as good as any.
                self.failed = self.written.samples.iter().any(|s| s.failure.is_some());
            }
        }
        if let Some(chosen) = self.written.samples.get(self.written.chosen) {
            let program = chosen.program.as_ref();
            self.written.program = program
                .map(|found| found.program.clone())
                .map_err(Clone::clone);
        }
    }

    /// Whether nothing is left to be run or sent back.
    pub fn is_settled(&self) -> bool {
        let is_open = |place: &Place| matches!(place, Place::Waiting | Place::Failed(_));
        !self.places.iter().any(is_open)
    }

    /// The sample whose program counts.
    pub fn chosen(&self) -> usize {
        self.written.chosen
    }

    /// Takes the question as settled before: with this program, if it had one, which failed or not.
    /// What there was of votes then is not known any more.
    pub fn recall(&mut self, program: Option<String>, failed: bool) {
        self.places.fill(Place::Out);
        self.unasked = None;
        let is_written = |program: &String| {
            let mut samples = self.written.samples.iter();
            samples.any(|s| {
                s.program
                    .as_ref()
                    .is_ok_and(|found| found.program == *program)
            })
        };
        self.repaired = !failed && program.as_ref().is_some_and(|program| !is_written(program));
        self.failed = failed && program.is_some();
        if let Some(program) = program {
            self.written.program = Ok(program);
        }
    }

    /// Whether the program that counts had failed and was mended.
    pub fn is_repaired(&self) -> bool {
        self.repaired
    }

    /// Whether every program failed when it was run, however often it was sent back.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// Why something of it could not be asked: asked again, there may be more to vote or to run.
    pub fn unasked(&self) -> Option<&WriteError> {
        self.unasked.as_ref()
    }
}

/// Why a model was not asked for a program, where that is why there is none.
fn unasked<T>(program: &Result<T, WriteError>) -> Option<WriteError> {
    let error = program.as_ref().err();
    let unasked = error.filter(|error| matches!(error, WriteError::Language { .. }));
    unasked.cloned()
}

impl Writer<'_> {
    /// Sends back what failed when it was run, of many questions at once; what comes back waits to be
    /// run. Says how many do.
    pub fn mend_failed(&self, ballots: &mut [&mut Ballot]) -> usize {
        let failed: Vec<(usize, usize)> = ballots
            .iter()
            .enumerate()
            .flat_map(|(at, ballot)| {
                let samples = ballot.failed_samples();
                samples.map(move |(number, ..)| (at, number))
            })
            .collect();
        let shared = &*ballots;
        let mended = self.asker.each(&failed, |&(at, number)| {
            let ballot = shared.get(at)?;
            let mut samples = ballot.failed_samples();
            let (_, sample, failure) = samples.find(|(found, ..)| *found == number)?;
            Some(self.mend(ballot.question(), sample, failure))
        });
        let mut waiting = 0;
        for ((at, number), mended) in failed.into_iter().zip(mended) {
            if let (Some(ballot), Some(mended)) = (ballots.get_mut(at), mended) {
                waiting += usize::from(mended.program.is_ok());
                ballot.mended(number, mended);
            }
        }
        waiting
    }
}
