//! What is written of a run.

use sdvp_core::{Digest, Image, Outcome, Region, SubTaskKind};
use serde::Serialize;

/// A question that was run, with everything that came of it.
#[derive(Clone, Debug)]
pub struct QuestionRecord {
    /// Its place among the questions of the run, from 0: what it is known by.
    pub number: u32,
    /// Its name in the benchmark; benchmarks may have it twice.
    pub id: String,
    /// The question in words.
    pub text: String,
    /// What kind of question it is.
    pub kind: String,
    /// The right answer, as benchmarks write it.
    pub gold: String,
    /// The source of its program, if it has one that can be read.
    pub program: Option<String>,
    /// What was answered, or why nothing was.
    pub answer: Result<String, String>,
    /// In `[0, 1]`.
    pub score: f64,
    /// What its program asked for, in order.
    pub sub_tasks: Vec<SubTaskRecord>,
    /// Pictures to keep. Those of sub-tasks that are not among them are known by their digest only.
    pub images: Vec<Image>,
}

/// A sub-task that was asked for.
#[derive(Clone, Debug)]
pub struct SubTaskRecord {
    /// Line of the program, from 1.
    pub line: u32,
    /// What was asked for.
    pub kind: SubTaskKind,
    /// Digest of the picture that was looked at.
    pub image: Digest,
    /// Which part of it.
    pub region: Region,
    /// The object's name, the question, the description or the prompt.
    pub text: String,
    /// What was answered, if anything was.
    pub outcome: Option<Outcome>,
    /// Who answered, if that is known.
    pub module: Option<ModuleIdentity>,
    /// How it came to its answer.
    pub source: Source,
    /// Time it took, microseconds: of the batch it was computed in, its part. 0 where nothing was
    /// computed for it.
    pub micros: u32,
}

/// Who answers sub-tasks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ModuleIdentity {
    /// Its name.
    pub name: String,
    /// Identity of its weights and settings.
    pub fingerprint: Digest,
}

/// How a sub-task came to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A module computed it.
    Computed,
    /// An equal one had been answered before.
    Cached,
    /// An equal one was answered in the same batch.
    Shared,
    /// Nobody has said.
    Unknown,
}

impl Source {
    /// All of them.
    pub const ALL: [Source; 4] = [
        Source::Computed,
        Source::Cached,
        Source::Shared,
        Source::Unknown,
    ];

    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Source::Computed => "computed",
            Source::Cached => "cached",
            Source::Shared => "shared",
            Source::Unknown => "unknown",
        }
    }

    /// What the database has for it. These numbers are in files: they never change.
    pub(crate) fn number(self) -> u8 {
        match self {
            Source::Computed => 0,
            Source::Cached => 1,
            Source::Shared => 2,
            Source::Unknown => 3,
        }
    }

    pub(crate) fn numbered(number: i64) -> Option<Self> {
        let mut known = Self::ALL.into_iter();
        known.find(|source| i64::from(source.number()) == number)
    }
}

/// What was written of a question that is finished, for whoever goes on with the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Its place among the questions of the run.
    pub number: u32,
    /// Its name.
    pub id: String,
    /// The program that was run, if there was one.
    pub program: Option<String>,
    /// What was answered.
    pub answer: Option<String>,
    /// Why its program failed, if it did.
    pub error: Option<String>,
    /// Whether something else was tried when its program had failed.
    pub fallback: bool,
    /// In `[0, 1]`.
    pub score: f64,
}

/// A state of weights that a training kept.
#[derive(Clone, Debug)]
pub struct CheckpointRecord {
    /// What is trained.
    pub name: String,
    /// After how many steps.
    pub step: u32,
    /// Digest of the weights.
    pub weights: Digest,
    /// Whatever else there is to say, as JSON.
    pub details: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_a_number_of_its_own() {
        for source in Source::ALL {
            assert_eq!(Source::numbered(i64::from(source.number())), Some(source));
        }
        assert_eq!((Source::numbered(4), Source::numbered(-1)), (None, None));
    }
}
