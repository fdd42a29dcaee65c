//! The questions of a run, which are gone through more than once and need not be held.

use crate::exam::Reader;
use crate::published::Published;
use anyhow::{Result, anyhow, bail};
use sdvp_core::{DecodeLimits, Digest, Hasher};
use sdvp_data::picto::{Question, Split};
use sdvp_data::{Gold, PictureDigest, Record, Task, questions_in};
use sdvp_eval::{Exam, ExamItem};
use sdvp_program::Inputs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::Builder;

/// Questions of the built-in world up to which they are drawn once and held.
const HELD: usize = 2048;
/// Questions that are drawn at once, or whose pictures are looked at together.
const PIECE: usize = 512;
/// Questions that are read ahead of those that run: more waits.
const AHEAD: usize = 256;
/// In the place of a program that is yet to be written.
const UNWRITTEN: &str = "its program is yet to be written";
/// Stack of the thread that reads them, bytes: as much as the main thread has, as programs nest.
const STACK: usize = 8 << 20;

/// A question whose program has not been read.
#[derive(Clone)]
pub(crate) struct Posed {
    id: String,
    question: String,
    kind: String,
    gold: Gold,
    /// The source of its program, or why there is none.
    source: Result<String, String>,
    /// Whether its answer is where something is in a picture of the built-in world.
    referring: bool,
    /// The files of its pictures.
    pictures: Vec<PathBuf>,
    inputs: Arc<dyn Fn() -> Result<Inputs, String> + Send + Sync>,
}

impl Posed {
    /// A question that was read from files.
    fn of_record(record: Record, source: Result<String, String>) -> Self {
        Self {
            id: record.id.clone(),
            question: record.text.clone(),
            kind: record.kind.clone(),
            gold: record.gold.clone(),
            source,
            referring: false,
            pictures: record.images.clone(),
            inputs: Arc::new(move || {
                record
                    .inputs(&DecodeLimits::default())
                    .map_err(|error| error.to_string())
            }),
        }
    }

    /// As [`Posed::of_record`] with the program that the files have for it.
    fn with_own_program(mut record: Record) -> Self {
        let source = record.program.take().ok_or_else(|| {
            "the question has no program; expected one in programs.jsonl or in the file given by --programs".to_owned()
        });
        Self::of_record(record, source)
    }

    /// As [`Posed::of_record`] with a program made of what the files say it means.
    fn with_meaning(mut record: Record, reader: &Reader) -> Self {
        let steps = std::mem::take(&mut record.semantic);
        let source = reader.compiled(&record.id, &steps);
        Self::of_record(record, source)
    }

    /// As [`Posed::of_record`], its program yet to be written.
    pub(crate) fn unwritten(record: Record) -> Self {
        Self::of_record(record, Err(UNWRITTEN.to_owned()))
    }

    /// As [`Posed::drawn`], its program yet to be written.
    pub(crate) fn drawn_unwritten(question: Question) -> Self {
        Self::drawn(question, Err(UNWRITTEN.to_owned()))
    }

    /// A question of the built-in world, its pictures drawn when they are needed.
    fn drawn(question: Question, source: Result<String, String>) -> Self {
        Self {
            id: question.id.clone(),
            question: question.text.clone(),
            kind: question.kind.structural.clone(),
            gold: question.gold.clone(),
            source,
            referring: matches!(question.gold, Gold::Box(_)),
            pictures: Vec::new(),
            inputs: Arc::new(move || Ok(question.inputs())),
        }
    }

    /// The question with its program read.
    pub(crate) fn read(self, reader: &Reader) -> ExamItem {
        let program = self
            .source
            .and_then(|source| reader.read(&source, &self.question, self.referring));
        ExamItem {
            id: self.id,
            question: self.question,
            kind: self.kind,
            program,
            inputs: self.inputs,
            gold: self.gold,
        }
    }

    /// Adds what the question is to a digest; its pictures are another matter.
    fn digested(&self, hasher: Hasher) -> Hasher {
        let (source, kind) = match &self.source {
            Ok(source) => (source, b"program"),
            Err(error) => (error, b"failure"),
        };
        hasher
            .part(self.id.as_bytes())
            .part(self.question.as_bytes())
            .part(self.kind.as_bytes())
            .part(self.gold.text().as_bytes())
            .part(kind)
            .part(source.as_bytes())
    }
}

/// Questions of the built-in world.
pub(crate) struct BuiltIn {
    pub(crate) task: Task,
    pub(crate) split: Split,
    pub(crate) seed: u64,
    pub(crate) count: usize,
    /// Whether programs are made of what the questions mean, in place of their own.
    pub(crate) functional: bool,
}

/// Where questions are from.
enum Source<'p> {
    Files {
        published: &'p Published,
        functional: bool,
    },
    Drawn(BuiltIn),
    Held(Vec<Posed>),
}

/// What is to be known of questions before they are run.
pub(crate) struct Survey {
    /// How many there are.
    pub(crate) count: usize,
    /// Digest of the questions with their programs and right answers.
    pub(crate) data: Digest,
    /// Digest of the files of their pictures, if they have any.
    pub(crate) pictures: Option<Digest>,
}

/// The questions of a run.
pub(crate) struct Questions<'p> {
    source: Source<'p>,
    reader: Reader,
}

impl<'p> Questions<'p> {
    /// Those of a benchmark's files, with their own programs, or, if `functional`, with programs made of
    /// what they mean.
    pub(crate) fn of_files(published: &'p Published, functional: bool, reader: Reader) -> Self {
        let source = Source::Files {
            published,
            functional,
        };
        Self { source, reader }
    }

    /// Those of the built-in world.
    pub(crate) fn built_in(built_in: BuiltIn, reader: Reader) -> Result<Self> {
        let few = built_in.count <= HELD;
        let drawn = Self {
            source: Source::Drawn(built_in),
            reader,
        };
        if !few {
            return Ok(drawn);
        }
        let mut held = Vec::new();
        drawn.each(|posed| {
            held.push(posed);
            ControlFlow::Continue(())
        })?;
        Ok(Self::held(held, drawn.reader))
    }

    /// Those that are at hand.
    pub(crate) fn held(posed: Vec<Posed>, reader: Reader) -> Self {
        Self {
            source: Source::Held(posed),
            reader,
        }
    }

    /// Hands out every question, in their order, until told to stop.
    fn each(&self, mut each: impl FnMut(Posed) -> ControlFlow<()>) -> Result<()> {
        match &self.source {
            Source::Files {
                published,
                functional,
            } => published.each(|record| {
                each(match functional {
                    true => Posed::with_meaning(record, &self.reader),
                    false => Posed::with_own_program(record),
                })
            }),
            Source::Drawn(of) => {
                for from in (0..of.count).step_by(PIECE) {
                    let range = from..of.count.min(from + PIECE);
                    for question in questions_in(of.task, of.split, of.seed, range) {
                        let source = match of.functional {
                            true => self.reader.compiled(&question.id, &question.semantic),
                            false => Ok(self.reader.source_of(&question).into_owned()),
                        };
                        if each(Posed::drawn(question, source)).is_break() {
                            return Ok(());
                        }
                    }
                }
                Ok(())
            }
            Source::Held(posed) => {
                let mut all = posed.iter().cloned();
                let _stopped = all.try_for_each(each);
                Ok(())
            }
        }
    }

    /// All of them, to be held.
    pub(crate) fn exam(&self) -> Result<Exam> {
        let mut exam = Exam::new();
        self.each(|posed| {
            exam.push(posed.read(&self.reader));
            ControlFlow::Continue(())
        })?;
        Ok(exam)
    }

    /// Goes through all questions once: so what is wrong in files is found before anything is run. With
    /// `pictures`, their files are read, too.
    pub(crate) fn survey(&self, pictures: bool) -> Result<Survey> {
        let (mut count, mut data) = (0, Hasher::new("exam"));
        let mut files = PictureDigest::default();
        let mut piece: Vec<Vec<PathBuf>> = Vec::new();
        self.each(|posed| {
            count += 1;
            data = posed.digested(std::mem::take(&mut data));
            if pictures {
                piece.push(posed.pictures);
            }
            if piece.len() >= PIECE {
                files.add(&piece);
                piece.clear();
            }
            ControlFlow::Continue(())
        })?;
        files.add(&piece);
        Ok(Survey {
            count,
            data: data.finish(),
            pictures: files.finish(),
        })
    }

    /// Has `work` go through those of the `count` questions whose number is `wanted`. They are read, with
    /// their programs, by a thread of its own, a little ahead of who takes them.
    pub(crate) fn stream<R>(
        &self,
        count: usize,
        wanted: impl Fn(usize) -> bool + Send,
        work: impl FnOnce(&mut dyn Iterator<Item = ExamItem>) -> Result<R>,
    ) -> Result<R> {
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(AHEAD);
            let thread = Builder::new().stack_size(STACK);
            let reading = thread.spawn_scoped(scope, move || -> Result<()> {
                let (mut next, mut stopped) = (0, false);
                self.each(|posed| {
                    let number = next;
                    next += 1;
                    if !wanted(number) {
                        return ControlFlow::Continue(());
                    }
                    // Whoever takes them may have enough.
                    stopped = send.send(posed.read(&self.reader)).is_err();
                    match stopped {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                })?;
                if !stopped && next != count {
                    bail!(
                        "expected {count} questions as before, found {next}: their files were changed meanwhile; start the same run again"
                    );
                }
                Ok(())
            })?;
            let done = work(&mut receive.into_iter());
            let read = reading.join();
            let read = read.map_err(|_| anyhow!("the thread that reads questions panicked"))?;
            let done = done?;
            read.map(|()| done)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exam::Framework;

    fn built_in(count: usize) -> BuiltIn {
        BuiltIn {
            task: Task::named("picto-count").unwrap(),
            split: Split::Test,
            seed: 0,
            count,
            functional: false,
        }
    }

    fn questions(count: usize) -> Questions<'static> {
        Questions::built_in(built_in(count), Framework::Visprog.into()).unwrap()
    }

    #[test]
    fn what_is_wanted_comes_in_order_and_no_more_than_is_taken() {
        let questions = questions(40);
        let ids = |wanted: fn(usize) -> bool, most: usize| -> Vec<String> {
            let taken = questions.stream(40, wanted, |items| {
                Ok(items.take(most).map(|item| item.id).collect())
            });
            taken.unwrap()
        };
        let all = ids(|_| true, 99);
        assert_eq!(all.len(), 40);
        let odd: Vec<String> = all.iter().skip(1).step_by(2).cloned().collect();
        assert_eq!(ids(|number| number % 2 == 1, 99), odd);
        assert_eq!(ids(|_| true, 3), all[..3]);
        let other = questions.stream(41, |_| true, |items| Ok(items.count()));
        assert!(other.unwrap_err().to_string().contains("changed meanwhile"));
    }

    #[test]
    fn what_is_drawn_again_in_pieces_is_what_is_held() {
        let count = PIECE + 30;
        let drawn = Questions {
            source: Source::Drawn(built_in(count)),
            reader: Framework::Visprog.into(),
        };
        let all = |questions: &Questions| {
            let mut all = Vec::new();
            let taken = questions.each(|posed| {
                all.push((posed.id, posed.question, posed.source));
                ControlFlow::Continue(())
            });
            taken.unwrap();
            all
        };
        let held = questions(count);
        assert!(matches!(held.source, Source::Held(_)));
        assert_eq!(all(&held), all(&drawn));
        let (one, two) = (held.survey(true).unwrap(), questions(31).survey(true));
        let two = two.unwrap();
        assert_eq!((one.count, two.count, one.pictures), (count, 31, None));
        assert_ne!(one.data, two.data);
    }
}
