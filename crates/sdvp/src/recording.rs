//! Runs that last: what `sdvp run --out` writes of every question as it ends, and what it knows of
//! those that were finished before.

use crate::answers::Answers;
use crate::questions::Survey;
use anyhow::{Context, Result};
use sdvp_core::{Digest, Module, SubTask, remove_partial, write_whole_with};
use sdvp_eval::Sat;
use sdvp_program::TraceStep;
use sdvp_runtime::{Call, How};
use sdvp_store::{
    Configuration, Finished, ModuleIdentity, QuestionRecord, RunReader, RunWriter, Source,
    StoreError, SubTaskRecord,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// One JSON line a question.
pub(crate) const RESULTS: &str = "results.jsonl";
/// What the run came to.
pub(crate) const SUMMARY: &str = "summary.json";
/// The programs that a language model wrote.
pub(crate) const PROGRAMS: &str = "programs.jsonl";

/// A run that is written as it goes.
pub(crate) struct Recording {
    writer: RunWriter,
    names: HashMap<Digest, String>,
    images: bool,
}

/// What an exam is run with: whatever of it differs makes another run.
pub(crate) fn configuration(
    survey: &Survey,
    modules: &[Arc<dyn Module>],
    seed: u64,
    settings: BTreeMap<String, Value>,
) -> Configuration {
    let answers = modules.iter().flat_map(|module| {
        let fingerprint = module.fingerprint();
        let kinds = module.answers().iter();
        kinds.map(move |kind| (kind.name().to_owned(), fingerprint))
    });
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Configuration {
        versions: BTreeMap::from([("sdvp".to_owned(), version)]),
        weights: answers.collect(),
        data: survey.data,
        pictures: survey.pictures,
        seed,
        settings,
    }
}

impl Recording {
    /// Begins a run in a folder or goes on with the one there; `images` says whether pictures are kept.
    /// What a killed process left half written is removed.
    pub(crate) fn open(
        folder: &Path,
        configuration: &Configuration,
        modules: &[Arc<dyn Module>],
        images: bool,
    ) -> Result<Self> {
        let writer = RunWriter::open_or_create(folder, configuration)?;
        // Nobody else writes here from now on.
        for name in [RESULTS, SUMMARY, PROGRAMS] {
            remove_partial(&folder.join(name)).with_context(|| {
                format!("cannot clear {} of what was left in it", folder.display())
            })?;
        }
        let named = modules.iter();
        Ok(Self {
            writer,
            names: named
                .map(|module| (module.fingerprint(), module.name().to_owned()))
                .collect(),
            images,
        })
    }

    /// What is finished already: these questions are not run again.
    pub(crate) fn restore(&self, answers: &mut Answers) -> Result<(), StoreError> {
        let mut count = 0;
        self.writer.each_finished(|question| {
            count += 1;
            let number = question.number as usize;
            answers.set(number, question.answer.as_deref(), question.score);
            if let Some(error) = &question.error {
                answers.set_failed(number, question.fallback);
                answers.note_reason(error);
            }
        })?;
        if count > 0 {
            let folder = self.writer.folder().display();
            tracing::info!("{folder}: {count} questions are finished already");
        }
        Ok(())
    }

    /// Writes what came of a question.
    pub(crate) fn write(&mut self, number: usize, sat: &Sat) -> Result<(), StoreError> {
        let record = self.record(number, sat);
        self.write_record(record)
    }

    /// Writes what is to be written of a question.
    pub(crate) fn write_record(&mut self, question: QuestionRecord) -> Result<(), StoreError> {
        self.writer.record(&[question])
    }

    /// What was finished before, by number.
    pub(crate) fn finished(&self) -> Result<BTreeMap<u32, Finished>, StoreError> {
        self.writer.finished()
    }

    /// Writes what was answered otherwise to a question whose program had failed.
    pub(crate) fn write_fallback(
        &mut self,
        number: usize,
        answer: Option<&str>,
        score: f64,
    ) -> Result<(), StoreError> {
        self.writer.record_fallback(numbered(number), answer, score)
    }

    /// Writes one JSON line a question into results.jsonl.
    pub(crate) fn write_results(&self) -> Result<()> {
        let path = self.writer.folder().join(RESULTS);
        let reader = RunReader::open(self.writer.folder())?;
        let written = write_whole_with(&path, |file| {
            let each = reader.each_question(|row| {
                let line = json!({
                    "id": row.id,
                    "question": row.question,
                    "kind": row.kind,
                    "gold": row.gold,
                    "answer": row.answer,
                    "error": row.error,
                    "fallback": row.fallback,
                    "score": row.score,
                });
                writeln!(file, "{line}").map_err(|source| StoreError::Io {
                    doing: "write",
                    path: path.clone(),
                    source,
                })
            });
            each.map_err(std::io::Error::other)
        });
        written.with_context(|| {
            format!(
                "cannot write {}; every question is kept in run.sqlite, and the same run started again writes it",
                path.display()
            )
        })
    }

    /// Says that this was all.
    pub(crate) fn close(self) -> Result<(), StoreError> {
        self.writer.close()
    }

    /// What is to be written of a question that was run.
    pub(crate) fn record(&self, number: usize, sat: &Sat) -> QuestionRecord {
        let item = sat.item;
        let mut calls = sat.run.calls.iter();
        let mut sub_tasks = Vec::new();
        let mut images = Vec::new();
        let mut known = HashSet::new();
        for step in &sat.run.trace.steps {
            let Some(sub_task) = &step.sub_task else {
                continue;
            };
            let image = sub_task.view.image();
            if self.images && known.insert(image.digest()) {
                images.push(image.clone());
            }
            // Calls are in the order of the steps; one that failed has no step.
            let key = sub_task.key();
            let mut ahead = calls.clone();
            let call = ahead.find(|call| call.key == key);
            if call.is_some() {
                calls = ahead;
            }
            sub_tasks.push(self.sub_task(step, sub_task, call));
        }
        QuestionRecord {
            number: numbered(number),
            id: item.id.clone(),
            text: item.question.clone(),
            kind: item.kind.clone(),
            gold: item.gold.text(),
            program: item
                .program
                .as_ref()
                .ok()
                .map(|program| program.source().to_owned()),
            answer: sat.answer.clone(),
            score: sat.score,
            sub_tasks,
            images,
        }
    }

    fn sub_task(&self, step: &TraceStep, sub_task: &SubTask, call: Option<&Call>) -> SubTaskRecord {
        SubTaskRecord {
            line: u32::try_from(step.line).unwrap_or(u32::MAX),
            kind: sub_task.kind,
            image: sub_task.view.image().digest(),
            region: sub_task.view.region(),
            text: sub_task.text.clone(),
            outcome: step.outcome.clone(),
            module: call.map(|call| ModuleIdentity {
                name: self.names.get(&call.module).cloned().unwrap_or_default(),
                fingerprint: call.module,
            }),
            source: match call.map(|call| call.how) {
                Some(How::Computed) => Source::Computed,
                Some(How::Cached) => Source::Cached,
                Some(How::Shared) => Source::Shared,
                None => Source::Unknown,
            },
            micros: call.map_or(0, |call| call.micros),
        }
    }
}

/// A question's number in the database.
fn numbered(number: usize) -> u32 {
    // A run has no more questions than that: they would not be told apart.
    u32::try_from(number).unwrap_or(u32::MAX)
}
