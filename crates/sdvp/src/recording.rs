//! Runs that last: what `sdvp run --out` writes of every question as it ends, and what it knows of
//! those that were finished before.

use anyhow::Result;
use sdvp_core::{Digest, Hasher, Module, SubTask};
use sdvp_eval::{Evaluation, ExamItem, Sat};
use sdvp_program::{Program, TraceStep};
use sdvp_runtime::{Call, How, Settings};
use sdvp_store::{
    Configuration, Finished, ModuleIdentity, QuestionRecord, RunWriter, Source, StoreError,
    SubTaskRecord,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// A run that is written as it goes.
pub(crate) struct Recording {
    writer: RunWriter,
    finished: BTreeMap<u32, Finished>,
    /// The numbers of those that were finished now.
    written: BTreeSet<u32>,
    names: HashMap<Digest, String>,
    images: bool,
}

/// What an exam is run with: whatever of it differs makes another run.
pub(crate) fn configuration(
    exam: &[ExamItem],
    modules: &[Arc<dyn Module>],
    seed: u64,
    settings: BTreeMap<String, Value>,
) -> Configuration {
    let answers = modules.iter().flat_map(|module| {
        let fingerprint = module.fingerprint();
        let kinds = module.answers().iter();
        kinds.map(move |kind| (kind.name().to_owned(), fingerprint))
    });
    let data = exam.iter().fold(Hasher::new("exam"), |hasher, item| {
        let (source, readable) = match &item.program {
            Ok(program) => (program.source(), b"program"),
            Err(error) => (error.as_str(), b"failure"),
        };
        let hasher = hasher
            .part(item.id.as_bytes())
            .part(item.question.as_bytes());
        let hasher = hasher
            .part(item.kind.as_bytes())
            .part(item.gold.text().as_bytes());
        hasher.part(readable).part(source.as_bytes())
    });
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Configuration {
        versions: BTreeMap::from([("sdvp".to_owned(), version)]),
        weights: answers.collect(),
        data: data.finish(),
        seed,
        settings,
    }
}

impl Recording {
    /// Begins a run in a folder or goes on with the one there; `images` says whether pictures are kept.
    pub(crate) fn open(
        folder: &Path,
        configuration: &Configuration,
        modules: &[Arc<dyn Module>],
        images: bool,
    ) -> Result<Self> {
        let writer = RunWriter::open_or_create(folder, configuration)?;
        let finished = writer.finished()?;
        if !finished.is_empty() {
            let count = finished.len();
            tracing::info!(
                "{}: {count} questions are finished already",
                folder.display()
            );
        }
        let named = modules.iter();
        Ok(Self {
            writer,
            finished,
            written: BTreeSet::new(),
            names: named
                .map(|module| (module.fingerprint(), module.name().to_owned()))
                .collect(),
            images,
        })
    }

    /// What was finished before, by number.
    pub(crate) fn finished(&self) -> &BTreeMap<u32, Finished> {
        &self.finished
    }

    /// Writes a question.
    pub(crate) fn write(&mut self, question: QuestionRecord) -> Result<(), StoreError> {
        let number = question.number;
        self.writer.record(&[question])?;
        self.written.insert(number);
        Ok(())
    }

    /// Puts the questions whose program failed otherwise, as [`Evaluation::fall_back`] does, but for
    /// those that were before, and writes what was answered then, of those that are finished.
    pub(crate) fn fall_back(
        &mut self,
        evaluation: &mut Evaluation,
        exam: &[ExamItem],
        modules: Vec<Arc<dyn Module>>,
        settings: &Settings,
        program: impl Fn(&ExamItem) -> Result<Arc<dyn Program>, String>,
    ) -> Result<()> {
        evaluation.fall_back(exam, modules, settings, program)?;
        for index in evaluation.fallen_back.keys() {
            let number = u32::try_from(*index)?;
            let before = self.finished.get(&number);
            let is_open = before.is_none() && !self.written.contains(&number);
            if is_open || before.is_some_and(|finished| finished.fallback) {
                continue;
            }
            let answer = evaluation.answers.get(*index).map(Result::as_ref);
            let answer = answer.and_then(Result::ok).map(String::as_str);
            let score = evaluation.scores.get(*index).copied().unwrap_or(0.0);
            self.writer.record_fallback(number, answer, score)?;
        }
        Ok(())
    }

    /// Says that this was all.
    pub(crate) fn close(self) -> Result<(), StoreError> {
        self.writer.close()
    }

    /// What is to be written of a question that was run.
    pub(crate) fn record(&self, number: u32, item: &ExamItem, sat: &Sat) -> QuestionRecord {
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
            number,
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
