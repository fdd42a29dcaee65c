//! What is kept of a distillation while it is under way, so that it can go on after whatever ended it.
//!
//! ```text
//! distillation.json            what is learned, from what and how
//! memory/ and remembered.json  what is rehearsed
//! round-1-locate/              the student after a step, and step.json
//! round-1-answer.training/     the step that is under way: numbered states, the last two
//! ```
//!
//! Every file is written whole or not at all, and of several the one that says that all are there comes
//! last: `distillation.json` before anything else, `remembered.json` after the memory, `step.json` after a
//! step, `NUMBER.json` after a state. That one also has the digests of what is in the others: what is
//! damaged is not used, but made again.

mod kept_step;
mod training;

pub use training::KeptTraining;
pub(crate) use training::TrainingState;

use crate::error::{DistillError, Result};
use crate::memory::Memory;
use crate::stepwise::DistilledStep;
use kept_step::expect;
use sdvp_core::{Digest, SubTaskKind};
use sdvp_modules::Student;
use sdvp_runtime::Settings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

const WHAT: &str = "distillation.json";
const REMEMBERED: &str = "remembered.json";
const FORMAT: u32 = 1;

/// `distillation.json`.
#[derive(Serialize, Deserialize)]
struct What {
    format: u32,
    distillation: Value,
}

/// `remembered.json`: says of the memory that it is whole.
#[derive(Serialize, Deserialize)]
struct Remembered {
    digest: Digest,
}

/// A distillation that is under way, in a folder.
pub struct Checkpoints {
    folder: PathBuf,
    every: Duration,
    runs: Settings,
}

impl Checkpoints {
    /// Begins a distillation in a folder, or goes on with the one there. `distillation` is an object of
    /// all that decides what will come of it; the state of a training is written when so much time has
    /// passed since it was written last, and twenty times what writing takes.
    ///
    /// # Errors
    /// If the folder cannot be read or written, or holds a distillation of something else.
    pub fn open(folder: &Path, distillation: &Value, every: Duration) -> Result<Self> {
        let at = folder.join(WHAT);
        let checkpoints = Self {
            folder: folder.to_owned(),
            every,
            runs: Settings::default(),
        };
        let Some(there) = read_if_there::<What>(&at)? else {
            let what = What {
                format: FORMAT,
                distillation: distillation.clone(),
            };
            create(folder)?;
            write(&at, &what)?;
            return Ok(checkpoints);
        };
        if there.format != FORMAT {
            let reason = format!("expected format {FORMAT}, found {}", there.format);
            return Err(unusable(&at, reason));
        }
        let differing = differences(&there.distillation, distillation);
        if differing.is_empty() {
            return Ok(checkpoints);
        }
        Err(DistillError::OtherDistillation {
            folder: folder.to_owned(),
            differing,
        })
    }

    /// Whether a folder holds this very distillation.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn are_of(folder: &Path, distillation: &Value) -> Result<bool> {
        let there = read_if_there::<What>(&folder.join(WHAT))?;
        Ok(there.is_some_and(|there| there.distillation == *distillation))
    }

    /// Whether a folder holds another distillation.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn are_of_another(folder: &Path, distillation: &Value) -> Result<bool> {
        let there = read_if_there::<What>(&folder.join(WHAT))?;
        Ok(there.is_some_and(|there| there.distillation != *distillation))
    }

    /// Has programs run with these settings: with outcomes kept beyond the process, say, so that those
    /// that are run again cost little.
    #[must_use]
    pub fn with_runs(self, runs: Settings) -> Self {
        Self { runs, ..self }
    }

    /// How programs are run.
    pub(crate) fn runs(&self) -> &Settings {
        &self.runs
    }

    /// What is rehearsed, if it was kept. Of one that is damaged a warning says so, and it goes.
    ///
    /// # Errors
    /// If what is damaged cannot be removed.
    pub fn memory(&self) -> Result<Option<Memory>> {
        match self.whole_memory() {
            Ok(Some(memory)) => return Ok(Some(memory)),
            Ok(None) => (),
            Err(error) => tracing::warn!("{error}; what is rehearsed is gathered again"),
        }
        // Else its pictures would be taken for those that are to be written.
        let [_, memory] = Memory::folders(&self.folder);
        remove(&memory)?;
        Ok(None)
    }

    /// `None` if the last file of it was never written.
    fn whole_memory(&self) -> Result<Option<Memory>> {
        let path = self.folder.join(REMEMBERED);
        let Some(kept) = read_if_there::<Remembered>(&path)? else {
            return Ok(None);
        };
        let Some(found) = Memory::digest(&self.folder)? else {
            return Ok(None);
        };
        let [_, memory] = Memory::folders(&self.folder);
        expect(&memory, &kept.digest, &found)?;
        Memory::load(&self.folder).map(Some)
    }

    /// Keeps what is rehearsed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_memory(&self, memory: &Memory) -> Result<()> {
        memory.save(&self.folder)?;
        match Memory::digest(&self.folder)? {
            Some(digest) => write(&self.folder.join(REMEMBERED), &Remembered { digest }),
            None => Ok(()),
        }
    }

    /// What became of the student in a step, if the step is finished. Of one that is damaged a warning
    /// says so: it is to be done again.
    pub(crate) fn finished(&self, step: &StepName) -> Result<Option<(Student, DistilledStep)>> {
        let folder = self.folder.join(step.folder());
        kept_step::read(&folder).or_else(|error| {
            tracing::warn!("{error}; the step is done again");
            Ok(None)
        })
    }

    /// Keeps what became of the student in a step; its training need not be kept any longer.
    pub(crate) fn finish(
        &self,
        step: &StepName,
        student: &Student,
        done: &DistilledStep,
    ) -> Result<()> {
        kept_step::keep(&self.folder.join(step.folder()), student, done)?;
        remove(&self.folder.join(step.training()))
    }

    /// Where the training of a step is kept.
    pub(crate) fn training(&self, step: &StepName) -> Result<KeptTraining> {
        KeptTraining::open(self.folder.join(step.training()), self.every)
    }

    /// Forgets all of it: what came of it is somewhere else.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn forget(self) -> Result<()> {
        remove(&self.folder)
    }
}

/// A step of a distillation.
pub(crate) struct StepName {
    /// From 0.
    pub(crate) round: usize,
    pub(crate) kind: SubTaskKind,
}

impl StepName {
    fn folder(&self) -> String {
        format!("round-{}-{}", self.round + 1, self.kind.name())
    }

    fn training(&self) -> String {
        format!("{}.training", self.folder())
    }
}

/// What of two descriptions differs, by name, with what was there and what is wanted.
fn differences(there: &Value, wanted: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", there, wanted, &mut found);
    found
}

fn compare(name: &str, there: &Value, wanted: &Value, found: &mut Vec<String>) {
    if there == wanted {
        return;
    }
    if let (Value::Object(one), Value::Object(other)) = (there, wanted) {
        let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        for key in keys {
            let name = match name {
                "" => key.clone(),
                name => format!("{name}.{key}"),
            };
            let of = |object: &serde_json::Map<String, Value>| {
                object.get(key).cloned().unwrap_or(Value::Null)
            };
            compare(&name, &of(one), &of(other), found);
        }
        return;
    }
    found.push(format!("{name} is {there}, not {wanted}"));
}

fn create(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| unusable(folder, error.to_string()))
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(unusable(folder, error.to_string()))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| unusable(path, e.to_string()))?;
    sdvp_core::write_whole(path, format!("{text}\n").as_bytes())
        .map_err(|error| unusable(path, error.to_string()))
}

fn read_if_there<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, error.to_string())),
    };
    let value = serde_json::from_slice(&text).map_err(|error| unusable(path, error.to_string()))?;
    Ok(Some(value))
}

fn unusable(path: &Path, reason: String) -> DistillError {
    DistillError::Checkpoint {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests;
