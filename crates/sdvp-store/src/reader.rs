//! Reading a run, also while it is written.

use crate::configuration::Configuration;
use crate::database::{self, named};
use crate::digest_column::digest;
use crate::error::{Result, StoreError};
use crate::images;
use crate::record::{ModuleIdentity, Source};
use crate::writer::parsed;
use rusqlite::{Connection, Row, params};
use sdvp_core::{Digest, Region};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Reads a run as it was when it was opened, whatever is written meanwhile.
pub struct RunReader {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    folder: PathBuf,
}

/// A question as it was written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuestionRow {
    /// Its place among the questions of the run.
    pub number: u32,
    /// Its name.
    pub id: String,
    /// The question in words.
    pub question: String,
    /// What kind of question it is.
    pub kind: String,
    /// The right answer.
    pub gold: String,
    /// The source of its program, if there is one that can be read.
    pub program: Option<String>,
    /// What was answered.
    pub answer: Option<String>,
    /// Why its program failed, if it did.
    pub error: Option<String>,
    /// Whether something else was tried when its program had failed.
    pub fallback: bool,
    /// In `[0, 1]`.
    pub score: f64,
    /// How many sub-tasks it asked for.
    pub sub_tasks: u32,
    /// Time of modules, microseconds.
    pub micros: i64,
}

/// A sub-task as it was written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubTaskRow {
    /// The number of its question.
    pub question: u32,
    /// Its place among the sub-tasks of its question, from 0.
    pub place: u32,
    /// Line of the program, from 1.
    pub line: u32,
    /// What was asked for.
    pub kind: String,
    /// Digest of the picture.
    pub image: Digest,
    /// Where the picture is, from the run's folder on, if it was kept.
    pub file: Option<String>,
    /// Which part of it.
    pub region: Region,
    /// The object's name, the question, the description or the prompt.
    pub text: String,
    /// What was answered, as JSON of [`sdvp_core::Outcome`].
    pub outcome: Option<String>,
    /// The module's confidence, in `[0, 1]`.
    pub confidence: Option<f64>,
    /// Who answered.
    pub module: Option<ModuleIdentity>,
    /// How it came to its answer.
    pub source: Source,
    /// Time it took, microseconds.
    pub micros: u32,
}

/// A state of weights that a training kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckpointRow {
    /// What is trained.
    pub name: String,
    /// After how many steps.
    pub step: u32,
    /// Digest of the weights.
    pub weights: Digest,
    /// Whatever else was said, as JSON.
    pub details: String,
}

/// The columns of [`QuestionRow`], in its order, and the digests of its texts.
const QUESTIONS: &str = "
    SELECT q.number, q.id, t.value, k.value, g.value, p.value, a.value, e.value,
           q.fallback, q.score, q.sub_tasks, q.micros,
           t.digest, k.digest, g.digest, p.digest, a.digest, e.digest
    FROM question q
    JOIN text t ON t.id = q.text JOIN text k ON k.id = q.kind JOIN text g ON g.id = q.gold
    LEFT JOIN text p ON p.id = q.program LEFT JOIN text a ON a.id = q.answer
    LEFT JOIN text e ON e.id = q.error";

/// The columns of [`SubTaskRow`], in its order, and the digests of its texts.
const SUB_TASKS: &str = "
    SELECT s.question, s.place, s.line, k.value, i.digest, i.kept, s.x0, s.y0, s.x1, s.y1,
           t.value, o.value, s.confidence, m.name, m.fingerprint, s.source, s.micros,
           k.digest, t.digest, o.digest
    FROM sub_task s
    JOIN text k ON k.id = s.kind JOIN image i ON i.id = s.image JOIN text t ON t.id = s.text
    LEFT JOIN text o ON o.id = s.outcome LEFT JOIN module m ON m.id = s.module";

impl RunReader {
    /// Opens the run in a folder.
    ///
    /// # Errors
    /// If there is none, or one of a later version, or what is there is damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        let (connection, path) = database::open_to_read(folder)?;
        Ok(Self {
            connection,
            path,
            folder: folder.to_owned(),
        })
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is run.
    ///
    /// # Errors
    /// If the writer has not yet said so, or what it said is damaged.
    pub fn configuration(&self) -> Result<Configuration> {
        let text: std::result::Result<String, _> =
            self.connection
                .query_row("SELECT configuration FROM run", [], |row| row.get(0));
        match text {
            Ok(text) => parsed(&self.path, &text),
            Err(rusqlite::Error::QueryReturnedNoRows) => Err(StoreError::NoRun {
                folder: self.folder.clone(),
            }),
            Err(source) => Err(self.cannot_read(source)),
        }
    }

    /// Calls `each` with every question, in the order of their numbers.
    ///
    /// # Errors
    /// If the database is damaged, or as `each` says.
    pub fn each_question(&self, mut each: impl FnMut(QuestionRow) -> Result<()>) -> Result<()> {
        let statement = format!("{QUESTIONS} ORDER BY q.number");
        self.each(&statement, &[], |row| each(self.question_row(row)?))
    }

    /// One question.
    ///
    /// # Errors
    /// If the database is damaged.
    pub fn question(&self, number: u32) -> Result<Option<QuestionRow>> {
        let mut found = None;
        let statement = format!("{QUESTIONS} WHERE q.number = ?1");
        self.each(&statement, &[number], |row| {
            found = Some(self.question_row(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    pub(crate) fn id_of(&self, number: u32) -> Result<String> {
        let id = self
            .prepare("SELECT id FROM question WHERE number = ?1")?
            .query_row([number], |row| row.get(0));
        id.map_err(|source| self.cannot_read(source))
    }

    /// Calls `each` with every sub-task, question by question in the order of their numbers.
    ///
    /// # Errors
    /// If the database is damaged, or as `each` says.
    pub fn each_sub_task(&self, mut each: impl FnMut(SubTaskRow) -> Result<()>) -> Result<()> {
        let statement = format!("{SUB_TASKS} ORDER BY s.question, s.place");
        self.each(&statement, &[], |row| each(self.sub_task_row(row)?))
    }

    /// What the program of a question asked for, in order.
    ///
    /// # Errors
    /// If the database is damaged.
    pub fn sub_tasks(&self, question: u32) -> Result<Vec<SubTaskRow>> {
        let mut found = Vec::new();
        let statement = format!("{SUB_TASKS} WHERE s.question = ?1 ORDER BY s.place");
        self.each(&statement, &[question], |row| {
            found.push(self.sub_task_row(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The losses of a training by step; those that were no numbers are NaN.
    ///
    /// # Errors
    /// If the database is damaged.
    pub fn losses(&self, curve: &str) -> Result<Vec<(u32, f64)>> {
        let mut statement = self
            .prepare("SELECT step, l.value FROM loss l JOIN text t ON t.id = curve WHERE t.value = ?1 ORDER BY step")?;
        let rows = statement.query_map(params![curve], |row| {
            let loss: Option<f64> = row.get(1)?;
            Ok((row.get(0)?, loss.unwrap_or(f64::NAN)))
        });
        let rows = rows.and_then(Iterator::collect);
        rows.map_err(|source| self.cannot_read(source))
    }

    /// Calls `each` with the name of a curve, a step and its loss, `None` if that was no number: curve by
    /// curve in alphabetical order, step by step.
    pub(crate) fn each_loss(
        &self,
        mut each: impl FnMut(String, u32, Option<f64>) -> Result<()>,
    ) -> Result<()> {
        let statement = "SELECT t.value, step, l.value, t.digest FROM loss l
                         JOIN text t ON t.id = curve ORDER BY t.value, step";
        self.each(statement, &[], |row| {
            let get = |source| self.cannot_read(source);
            let curve = self.known_text(row, 0, 3)?;
            each(curve, row.get(1).map_err(get)?, row.get(2).map_err(get)?)
        })
    }

    /// The states that trainings kept, in the order in which they did.
    ///
    /// # Errors
    /// If the database is damaged.
    pub fn checkpoints(&self) -> Result<Vec<CheckpointRow>> {
        let mut found = Vec::new();
        let statement = "SELECT name, step, weights, details FROM checkpoint ORDER BY number";
        self.each(statement, &[], |row| {
            let get = |source| self.cannot_read(source);
            let weights: Vec<u8> = row.get(2).map_err(get)?;
            found.push(CheckpointRow {
                name: row.get(0).map_err(get)?,
                step: row.get(1).map_err(get)?,
                weights: digest(&self.path, "a checkpoint's digest", &weights)?,
                details: row.get(3).map_err(get)?,
            });
            Ok(())
        })?;
        Ok(found)
    }

    pub(crate) fn cannot_read(&self, source: rusqlite::Error) -> StoreError {
        named(&self.path, "read", source)
    }

    pub(crate) fn prepare(&self, statement: &str) -> Result<rusqlite::CachedStatement<'_>> {
        let prepared = self.connection.prepare_cached(statement);
        prepared.map_err(|source| self.cannot_read(source))
    }

    /// Calls `each` with every row.
    pub(crate) fn each(
        &self,
        statement: &str,
        parameters: &[u32],
        mut each: impl FnMut(&Row) -> Result<()>,
    ) -> Result<()> {
        let read = |source| self.cannot_read(source);
        let mut statement = self.prepare(statement)?;
        let parameters = rusqlite::params_from_iter(parameters);
        let mut rows = statement.query(parameters).map_err(read)?;
        while let Some(row) = rows.next().map_err(read)? {
            each(row)?;
        }
        Ok(())
    }

    fn question_row(&self, row: &Row) -> Result<QuestionRow> {
        let get = |source| self.cannot_read(source);
        // Where the digest of a column's text is.
        let digest = |at: usize| at + 10;
        let text = |at: usize| self.text(row, at, digest(at));
        let known = |at: usize| self.known_text(row, at, digest(at));
        Ok(QuestionRow {
            number: row.get(0).map_err(get)?,
            id: row.get(1).map_err(get)?,
            question: known(2)?,
            kind: known(3)?,
            gold: known(4)?,
            program: text(5)?,
            answer: text(6)?,
            error: text(7)?,
            fallback: row.get(8).map_err(get)?,
            score: row.get(9).map_err(get)?,
            sub_tasks: row.get(10).map_err(get)?,
            micros: row.get(11).map_err(get)?,
        })
    }

    fn sub_task_row(&self, row: &Row) -> Result<SubTaskRow> {
        let get = |source| self.cannot_read(source);
        let damaged = |finding: String| StoreError::Damaged {
            path: self.path.clone(),
            finding,
        };
        let bytes = |at: usize| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_blob_or_null()?);
        let image = bytes(4).map_err(get)?.unwrap_or_default();
        let image = digest(&self.path, "an image's digest", image)?;
        let kept: bool = row.get(5).map_err(get)?;
        let edge = |at: usize| row.get::<_, u32>(at).map_err(get);
        let region = Region::new(edge(6)?, edge(7)?, edge(8)?, edge(9)?)
            .map_err(|error| damaged(error.to_string()))?;
        let module = match (row.get(13).map_err(get)?, bytes(14).map_err(get)?) {
            (Some(name), Some(bytes)) => Some(ModuleIdentity {
                name,
                fingerprint: digest(&self.path, "a module's fingerprint", bytes)?,
            }),
            _ => None,
        };
        let source: i64 = row.get(15).map_err(get)?;
        Ok(SubTaskRow {
            question: edge(0)?,
            place: edge(1)?,
            line: edge(2)?,
            kind: self.known_text(row, 3, 17)?,
            file: kept.then(|| images::place(&image).display().to_string()),
            image,
            region,
            text: self.known_text(row, 10, 18)?,
            outcome: self.text(row, 11, 19)?,
            confidence: row.get(12).map_err(get)?,
            module,
            source: Source::numbered(source)
                .ok_or_else(|| damaged(format!("expected a source from 0 to 3, found {source}")))?,
            micros: edge(16)?,
        })
    }
}
