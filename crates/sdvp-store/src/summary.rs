//! What a run comes to.

use crate::configuration::Configuration;
use crate::digest_column::digest;
use crate::error::Result;
use crate::reader::RunReader;
use crate::record::Source;
use crate::{RIGHT, error::StoreError};
use sdvp_core::Digest;
use serde::Serialize;
use std::path::PathBuf;

/// What a run comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Its folder.
    pub folder: PathBuf,
    /// What is run.
    pub configuration: Configuration,
    /// Whether its last writer ended cleanly: not while it is written, and not after a crash.
    pub ended: bool,
    /// How often it was begun or gone on with.
    pub sessions: u64,
    /// Questions that are finished.
    pub questions: u64,
    /// Mean score, in `[0, 1]`; 0 of none.
    pub score: f64,
    /// Questions whose program failed.
    pub failed: u64,
    /// Their share, in `[0, 1]`; 0 of none.
    pub failure_rate: f64,
    /// Of these, questions that were put otherwise then.
    pub fallbacks: u64,
    /// By kind of question, in alphabetical order.
    pub kinds: Vec<KindSummary>,
    /// By kind of sub-task, in alphabetical order.
    pub sub_tasks: Vec<SubTaskSummary>,
    /// By module, in alphabetical order.
    pub modules: Vec<ModuleSummary>,
    /// The questions on which modules spent most time.
    pub slowest: Vec<SlowQuestion>,
    /// Pictures that are known, and of these those that are kept as files.
    pub images: [u64; 2],
    /// Trainings.
    pub curves: Vec<CurveSummary>,
    /// States of weights that were kept.
    pub checkpoints: u64,
}

/// The questions of a kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KindSummary {
    /// The kind.
    pub kind: String,
    /// Questions of it.
    pub questions: u64,
    /// Mean score, in `[0, 1]`.
    pub score: f64,
    /// Questions that score at least a half.
    pub right: u64,
    /// Questions whose program failed.
    pub failed: u64,
    /// Of these, questions that were put otherwise then.
    pub fallbacks: u64,
}

/// The sub-tasks of a kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SubTaskSummary {
    /// The kind.
    pub kind: String,
    /// How often it was asked for.
    pub asked: u64,
    /// Of these, computed for this sub-task.
    pub computed: u64,
    /// Answered from what had been computed before.
    pub cached: u64,
    /// Answered together with an equal one.
    pub shared: u64,
    /// Nobody has said how.
    pub unknown: u64,
    /// Time of modules, seconds.
    pub seconds: f64,
}

/// What a module did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModuleSummary {
    /// Its name.
    pub name: String,
    /// Identity of its weights and settings.
    pub fingerprint: Digest,
    /// Sub-tasks that were answered by it, by whatever way.
    pub answered: u64,
    /// Of these, computed.
    pub computed: u64,
    /// Time it took, seconds.
    pub seconds: f64,
}

/// A question on which modules spent much time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowQuestion {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub id: String,
    /// How many sub-tasks it asked for.
    pub sub_tasks: u32,
    /// Time of modules, seconds.
    pub seconds: f64,
}

/// A training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurveSummary {
    /// Its name.
    pub name: String,
    /// Steps that are recorded.
    pub steps: u64,
    /// The loss at the first of them; `None` if it was no number.
    pub first: Option<f64>,
    /// The loss at the last.
    pub last: Option<f64>,
}

/// Microseconds as seconds.
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// Of a count, which is never negative.
fn count(number: i64) -> u64 {
    number.max(0).unsigned_abs()
}

impl RunReader {
    /// What the run comes to, with the `slowest` questions.
    ///
    /// # Errors
    /// If the database is damaged.
    pub fn summary(&self, slowest: u32) -> Result<Summary> {
        let kinds = self.kinds()?;
        let sum = |of: fn(&KindSummary) -> u64| kinds.iter().map(of).sum::<u64>();
        let questions = sum(|kind| kind.questions);
        let failed = sum(|kind| kind.failed);
        let of_all = |part: f64| part / questions.max(1) as f64;
        let scores = kinds.iter().map(|k| k.score * k.questions as f64);
        // The sum of none is -0.
        let total = 0.0 + scores.sum::<f64>();
        Ok(Summary {
            folder: self.folder().to_owned(),
            configuration: self.configuration()?,
            ended: self.number(
                "SELECT coalesce((SELECT ended FROM session ORDER BY number DESC LIMIT 1), 0)",
            )? == 1,
            sessions: self.number("SELECT count(*) FROM session")?,
            questions,
            score: of_all(total),
            failed,
            failure_rate: of_all(failed as f64),
            fallbacks: sum(|kind| kind.fallbacks),
            sub_tasks: self.sub_task_kinds()?,
            modules: self.modules()?,
            slowest: self.slowest(slowest)?,
            images: [
                self.number("SELECT count(*) FROM image")?,
                self.number("SELECT count(*) FROM image WHERE kept = 1")?,
            ],
            curves: self.curves()?,
            checkpoints: self.number("SELECT count(*) FROM checkpoint")?,
            kinds,
        })
    }

    pub(crate) fn number(&self, statement: &str) -> Result<u64> {
        let number = self.connection.query_row(statement, [], |row| row.get(0));
        number.map(count).map_err(|source| self.cannot_read(source))
    }

    /// The mean score and the number of questions.
    pub(crate) fn kinds(&self) -> Result<Vec<KindSummary>> {
        // The texts are joined to the few sums, not to every question.
        let statement = format!(
            "WITH sums AS (
                 SELECT kind, count(*) AS n, avg(score) AS score, sum(score >= {RIGHT}) AS good,
                        sum(error IS NOT NULL) AS failed, sum(fallback) AS fallbacks
                 FROM question GROUP BY kind)
             SELECT value, n, score, good, failed, fallbacks
             FROM sums JOIN text ON text.id = sums.kind ORDER BY value"
        );
        let mut found = Vec::new();
        self.each(&statement, &[], |row| {
            let read = || {
                Ok(KindSummary {
                    kind: row.get(0)?,
                    questions: count(row.get(1)?),
                    score: row.get(2)?,
                    right: count(row.get(3)?),
                    failed: count(row.get(4)?),
                    fallbacks: count(row.get(5)?),
                })
            };
            found.push(read().map_err(|source| self.cannot_read(source))?);
            Ok(())
        })?;
        Ok(found)
    }

    fn sub_task_kinds(&self) -> Result<Vec<SubTaskSummary>> {
        let statement = "SELECT value, source, sum(sub_tasks), sum(micros)
                         FROM sub_task_tally JOIN text ON text.id = kind
                         GROUP BY value, source ORDER BY value";
        let mut found: Vec<SubTaskSummary> = Vec::new();
        self.each(statement, &[], |row| {
            let read = || Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            let read: rusqlite::Result<(String, i64, i64, i64)> = read();
            let (kind, source, sub_tasks, micros) =
                read.map_err(|source| self.cannot_read(source))?;
            if found.last().is_none_or(|last| last.kind != kind) {
                found.push(SubTaskSummary {
                    kind,
                    ..SubTaskSummary::default()
                });
            }
            let source = Source::numbered(source).ok_or_else(|| StoreError::Damaged {
                path: self.path.clone(),
                finding: format!("expected a source from 0 to 3, found {source}"),
            })?;
            if let Some(last) = found.last_mut() {
                let of_source = match source {
                    Source::Computed => &mut last.computed,
                    Source::Cached => &mut last.cached,
                    Source::Shared => &mut last.shared,
                    Source::Unknown => &mut last.unknown,
                };
                *of_source += count(sub_tasks);
                last.asked += count(sub_tasks);
                last.seconds += seconds(micros);
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn modules(&self) -> Result<Vec<ModuleSummary>> {
        let computed = Source::Computed.number();
        let statement = format!(
            "SELECT name, fingerprint, sum(sub_tasks), sum(iif(source = {computed}, sub_tasks, 0)),
                    sum(micros)
             FROM sub_task_tally JOIN module ON module.id = sub_task_tally.module
             GROUP BY module.id ORDER BY name, fingerprint"
        );
        let mut found = Vec::new();
        self.each(&statement, &[], |row| {
            let get = |source| self.cannot_read(source);
            let fingerprint: Vec<u8> = row.get(1).map_err(get)?;
            found.push(ModuleSummary {
                name: row.get(0).map_err(get)?,
                fingerprint: digest(&self.path, "a module's fingerprint", &fingerprint)?,
                answered: count(row.get(2).map_err(get)?),
                computed: count(row.get(3).map_err(get)?),
                seconds: seconds(row.get(4).map_err(get)?),
            });
            Ok(())
        })?;
        Ok(found)
    }

    fn slowest(&self, most: u32) -> Result<Vec<SlowQuestion>> {
        let statement = "SELECT number, id, sub_tasks, micros FROM question
                         ORDER BY micros DESC, number LIMIT ?1";
        let mut found = Vec::new();
        self.each(statement, &[most], |row| {
            let read = || {
                Ok(SlowQuestion {
                    number: row.get(0)?,
                    id: row.get(1)?,
                    sub_tasks: row.get(2)?,
                    seconds: seconds(row.get(3)?),
                })
            };
            found.push(read().map_err(|source| self.cannot_read(source))?);
            Ok(())
        })?;
        Ok(found)
    }

    fn curves(&self) -> Result<Vec<CurveSummary>> {
        let statement = "
            SELECT text.value, n, a.value, b.value
            FROM (SELECT curve, count(*) AS n, min(step) AS first, max(step) AS last
                  FROM loss GROUP BY curve) ends
            JOIN loss a ON a.curve = ends.curve AND a.step = first
            JOIN loss b ON b.curve = ends.curve AND b.step = last
            JOIN text ON text.id = ends.curve ORDER BY text.value";
        let mut found = Vec::new();
        self.each(statement, &[], |row| {
            let read = || {
                Ok(CurveSummary {
                    name: row.get(0)?,
                    steps: count(row.get(1)?),
                    first: row.get(2)?,
                    last: row.get(3)?,
                })
            };
            found.push(read().map_err(|source| self.cannot_read(source))?);
            Ok(())
        })?;
        Ok(found)
    }
}
