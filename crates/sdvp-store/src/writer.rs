//! Writing a run, and going on with one.

use crate::DATABASE;
use crate::configuration::Configuration;
use crate::database::{self, named};
use crate::digest_column::{digest, half};
use crate::error::{Result, StoreError};
use crate::images;
use crate::intern::Interned;
use crate::lock::Lock;
use crate::reader::RunReader;
use crate::record::{CheckpointRecord, Finished, QuestionRecord, SubTaskRecord};
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params,
};
use sdvp_core::Hasher;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How often sub-tasks of a kind were answered by a module (0: unknown) from a source, and the
/// microseconds that took.
type Tally = BTreeMap<(i64, i64, u8), (i64, i64)>;

/// The one who writes a run.
pub struct RunWriter {
    // Closed before the lock is given back: fields are dropped in this order.
    pub(crate) connection: Connection,
    _lock: Lock,
    folder: PathBuf,
    path: PathBuf,
    interned: Interned,
    session: i64,
    was_clean: bool,
}

impl RunWriter {
    /// Begins a run in `folder`, or goes on with the one that is there.
    ///
    /// # Errors
    /// If someone else writes it; if it is a run of another configuration, or no run at all; if it is
    /// damaged; if the folder cannot be written. Nothing of what was there is changed then.
    pub fn open_or_create(folder: &Path, configuration: &Configuration) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|source| match source.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly {
                    path: folder.to_owned(),
                }
            }
            _ => StoreError::Io {
                doing: "make the folder",
                path: folder.to_owned(),
                source,
            },
        })?;
        let lock = Lock::take(folder)?;
        let fresh = !folder.join(DATABASE).exists();
        let opened = Self::open(folder, configuration, lock);
        if opened.is_err() && fresh {
            // What could not be begun is no run to go on with.
            for path in files_of(folder) {
                let _ = std::fs::remove_file(path);
            }
        }
        opened.map_err(|error| match error {
            StoreError::Full { path, .. } => StoreError::Full {
                kept: match fresh {
                    true => Some(0),
                    false => counted(folder),
                },
                path,
            },
            error => error,
        })
    }

    /// Begins a run in the place of the one that is in `folder`, if there is one; `lock` is the folder's.
    /// Pictures stay.
    ///
    /// # Errors
    /// If what is there cannot be removed, or the folder cannot be written.
    pub fn replace(folder: &Path, configuration: &Configuration, lock: Lock) -> Result<Self> {
        for path in files_of(folder) {
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::Io {
                        doing: "replace",
                        path,
                        source,
                    });
                }
                _ => (),
            }
        }
        Self::open(folder, configuration, lock)
    }

    fn open(folder: &Path, configuration: &Configuration, lock: Lock) -> Result<Self> {
        let (connection, path, was_clean) = database::open_to_write(folder)?;
        let mut writer = Self {
            connection,
            _lock: lock,
            folder: folder.to_owned(),
            path,
            interned: Interned::default(),
            session: 0,
            was_clean,
        };
        writer.claim(configuration)?;
        if !was_clean {
            writer.look_for_images()?;
        }
        Ok(writer)
    }

    /// Forgets of pictures that their files are there where they are not, or not to the end.
    fn look_for_images(&mut self) -> Result<()> {
        let read = |source| named(&self.path, "read", source);
        let kept: Vec<Vec<u8>> = self
            .connection
            .prepare("SELECT digest FROM image WHERE kept = 1")
            .and_then(|mut kept| kept.query_map([], |row| row.get(0))?.collect())
            .map_err(read)?;
        let mut missing = Vec::new();
        for bytes in kept {
            let digest = digest(&self.path, "an image's digest", &bytes)?;
            if !images::is_whole(&self.folder, &digest) {
                missing.push(digest);
            }
        }
        self.transact(|transaction, _, path| {
            for digest in &missing {
                transaction
                    .prepare_cached("UPDATE image SET kept = 0 WHERE digest = ?1")
                    .and_then(|mut update| update.execute([digest.as_bytes()]))
                    .map_err(|source| named(path, "write", source))?;
            }
            Ok(())
        })
    }

    /// Writes what is run, or compares it with what is there, and notes that it is written again.
    fn claim(&mut self, configuration: &Configuration) -> Result<()> {
        let (path, folder) = (self.path.clone(), self.folder.clone());
        let write = |source| named(&path, "begin the run in", source);
        let transaction = self.connection.transaction().map_err(write)?;
        let stored: Option<String> = transaction
            .query_row("SELECT configuration FROM run", [], |row| row.get(0))
            .optional()
            .map_err(write)?;
        match stored {
            None => {
                let text =
                    serde_json::to_string(configuration).map_err(|source| StoreError::Json {
                        what: "the configuration",
                        source,
                    })?;
                let digest = configuration.digest();
                transaction
                    .execute(
                        "INSERT INTO run (only_one, digest, configuration) VALUES (1, ?1, ?2)",
                        params![digest.as_bytes(), text],
                    )
                    .map_err(write)?;
            }
            Some(text) => {
                let stored = parsed(&path, &text)?;
                if stored.digest() != configuration.digest() {
                    return Err(StoreError::OtherConfiguration {
                        folder,
                        differing: stored.differences(configuration),
                    });
                }
            }
        }
        transaction
            .execute(
                "INSERT INTO session (process, ended) VALUES (?1, 0)",
                [std::process::id()],
            )
            .map_err(write)?;
        self.session = transaction.last_insert_rowid();
        transaction.commit().map_err(write)
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether whoever wrote last ended cleanly; if not, everything was checked when it was opened.
    pub fn was_ended_cleanly(&self) -> bool {
        self.was_clean
    }

    /// Which questions are finished, by number: these are not to be run again.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn finished(&self) -> Result<BTreeMap<u32, Finished>> {
        let mut finished = BTreeMap::new();
        self.each_finished(|question| {
            finished.insert(question.number, question);
        })?;
        Ok(finished)
    }

    /// As [`RunWriter::finished`], one by one in the order of their numbers: a run may have more
    /// questions than are to be held.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn each_finished(&self, mut each: impl FnMut(Finished)) -> Result<()> {
        let read = |source| named(&self.path, "read", source);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT number, question.id, p.value, a.value, e.value, fallback, score FROM question
                 LEFT JOIN text p ON p.id = program LEFT JOIN text a ON a.id = answer
                 LEFT JOIN text e ON e.id = error ORDER BY number",
            )
            .map_err(read)?;
        let rows = statement.query_map([], |row| {
            Ok(Finished {
                number: row.get(0)?,
                id: row.get(1)?,
                program: row.get(2)?,
                answer: row.get(3)?,
                error: row.get(4)?,
                fallback: row.get(5)?,
                score: row.get(6)?,
            })
        });
        for row in rows.map_err(read)? {
            each(row.map_err(read)?);
        }
        Ok(())
    }

    /// Writes questions that were run, all of them or none: in one transaction.
    ///
    /// # Errors
    /// If one is there already, or has a score that is none; if there is no room; if SQLite or the
    /// system refuses. Nothing of these questions is kept then, and everything that was there is;
    /// one may go on writing, if there is room again for example.
    pub fn record(&mut self, questions: &[QuestionRecord]) -> Result<()> {
        let wrong = questions
            .iter()
            .find(|question| !(0.0..=1.0).contains(&question.score));
        if let Some(question) = wrong {
            return Err(StoreError::Score {
                id: question.id.clone(),
                found: question.score,
            });
        }
        for image in questions.iter().flat_map(|question| &question.images) {
            if !self.interned.is_kept(&image.digest()) {
                images::keep(&self.folder, image).map_err(|error| self.with_kept(error))?;
            }
        }
        self.transact(|transaction, interned, path| {
            let mut tally = Tally::new();
            for question in questions {
                insert(transaction, interned, path, question, &mut tally)?;
            }
            add(transaction, &tally).map_err(|source| named(path, "write", source))
        })
    }

    /// Writes what was answered to a question whose program had failed by something else than its
    /// program. It stays a failed one.
    ///
    /// # Errors
    /// If there is no such question, or it has not failed; else as [`RunWriter::record`].
    pub fn record_fallback(&mut self, number: u32, answer: Option<&str>, score: f64) -> Result<()> {
        self.transact(|transaction, interned, path| {
            let write = |source| named(path, "write", source);
            let answer = interned.optional(transaction, answer).map_err(write)?;
            let changed = transaction
                .prepare_cached(
                    "UPDATE question SET answer = ?2, score = ?3, fallback = 1
                     WHERE number = ?1 AND error IS NOT NULL",
                )
                .and_then(|mut update| update.execute(params![number, answer, score]))
                .map_err(write)?;
            match changed {
                1 => Ok(()),
                _ => Err(StoreError::NotFailed {
                    path: path.to_owned(),
                    number,
                }),
            }
        })
    }

    /// Writes losses of a training, by step. A step that is there gets the new loss: whoever goes on
    /// from a checkpoint passes some steps again. Losses that are no numbers are kept as such.
    ///
    /// # Errors
    /// As [`RunWriter::record`].
    pub fn record_losses(&mut self, curve: &str, losses: &[(u32, f64)]) -> Result<()> {
        self.transact(|transaction, interned, path| {
            let mut write = || {
                let curve = interned.text(transaction, curve)?;
                let mut insert = transaction.prepare_cached(
                    "INSERT OR REPLACE INTO loss (curve, step, value) VALUES (?1, ?2, ?3)",
                )?;
                for (step, loss) in losses {
                    insert.execute(params![curve, step, loss])?;
                }
                Ok(())
            };
            write().map_err(|source| named(path, "write", source))
        })
    }

    /// Notes that a training kept a state.
    ///
    /// # Errors
    /// As [`RunWriter::record`].
    pub fn record_checkpoint(&mut self, checkpoint: &CheckpointRecord) -> Result<()> {
        let details = checkpoint.details.to_string();
        self.transact(|transaction, _, path| {
            let values = params![
                checkpoint.name,
                checkpoint.step,
                checkpoint.weights.as_bytes(),
                details
            ];
            transaction
                .execute(
                    "INSERT INTO checkpoint (name, step, weights, details) VALUES (?1, ?2, ?3, ?4)",
                    values,
                )
                .map_err(|source| named(path, "write", source))?;
            Ok(())
        })
    }

    /// Ends the run, or this part of it. Dropping the writer does the same but cannot say what went
    /// wrong.
    ///
    /// # Errors
    /// If there is no room even for that; what was recorded is kept all the same.
    pub fn close(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        let session = std::mem::take(&mut self.session);
        if session == 0 {
            return Ok(());
        }
        self.connection
            .execute("UPDATE session SET ended = 1 WHERE number = ?1", [session])
            .map_err(|source| self.with_kept(named(&self.path, "end the run in", source)))?;
        Ok(())
    }

    /// Does something as a whole or not at all.
    fn transact(
        &mut self,
        work: impl FnOnce(&Transaction, &mut Interned, &Path) -> Result<()>,
    ) -> Result<()> {
        let path = &self.path;
        let begun = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate);
        let done = begun
            .map_err(|source| named(path, "write", source))
            .and_then(|transaction| {
                work(&transaction, &mut self.interned, path)?;
                let committed = transaction.commit();
                committed.map_err(|source| named(path, "write", source))
            });
        done.map_err(|error| {
            self.interned.forget();
            self.with_kept(error)
        })
    }

    /// Says of a full disk what is kept.
    fn with_kept(&self, error: StoreError) -> StoreError {
        let full = match &error {
            StoreError::Full { .. } => true,
            StoreError::Io { source, .. } => matches!(
                source.kind(),
                std::io::ErrorKind::StorageFull
                    | std::io::ErrorKind::QuotaExceeded
                    | std::io::ErrorKind::FileTooLarge
            ),
            _ => false,
        };
        if !full {
            return error;
        }
        let count = "SELECT count(*) FROM question";
        let kept = self.connection.query_row(count, [], |row| row.get(0));
        StoreError::Full {
            path: self.path.clone(),
            kept: kept.ok().map(i64::unsigned_abs),
        }
    }
}

impl Drop for RunWriter {
    fn drop(&mut self) {
        // Nobody is left to be told; the next one finds an unclean end and checks.
        let _ = self.end();
    }
}

/// What SQLite writes of a run.
pub(crate) fn files_of(folder: &Path) -> [PathBuf; 4] {
    ["", "-wal", "-shm", "-journal"].map(|end| folder.join(format!("{DATABASE}{end}")))
}

/// How many questions a run has to which nothing can be written, if they can be read.
fn counted(folder: &Path) -> Option<u64> {
    let reader = RunReader::open(folder).ok()?;
    reader.number("SELECT count(*) FROM question").ok()
}

/// A configuration as it is in the database.
pub(crate) fn parsed(path: &Path, text: &str) -> Result<Configuration> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged {
        path: path.to_owned(),
        finding: format!("the configuration cannot be read: {error}"),
    })
}

fn insert(
    transaction: &Transaction,
    interned: &mut Interned,
    path: &Path,
    question: &QuestionRecord,
    tally: &mut Tally,
) -> Result<()> {
    let outcomes: Vec<Option<String>> = question
        .sub_tasks
        .iter()
        .map(|sub_task| {
            sub_task
                .outcome
                .as_ref()
                .map(serde_json::to_string)
                .transpose()
        })
        .collect::<std::result::Result<_, _>>()
        .map_err(|source| StoreError::Json {
            what: "an outcome",
            source,
        })?;
    let number = question.number;
    insert_question(transaction, interned, question, &outcomes).map_err(|source| {
        match source.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => StoreError::Again {
                path: path.to_owned(),
                number,
                id: question.id.clone(),
            },
            _ => named(path, "write", source),
        }
    })?;
    for ((place, sub_task), outcome) in (0u32..).zip(&question.sub_tasks).zip(&outcomes) {
        let at = (number, place);
        insert_sub_task(
            transaction,
            interned,
            at,
            sub_task,
            outcome.as_deref(),
            tally,
        )
        .map_err(|source| named(path, "write", source))?;
    }
    Ok(())
}

fn insert_question(
    transaction: &Transaction,
    interned: &mut Interned,
    question: &QuestionRecord,
    outcomes: &[Option<String>],
) -> rusqlite::Result<()> {
    for image in &question.images {
        interned.image(transaction, &image.digest(), true)?;
    }
    let asked = question.sub_tasks.iter().zip(outcomes);
    let trace = asked.fold(Hasher::new("trace"), |trace, (sub_task, outcome)| {
        traced(trace, sub_task, outcome.as_deref())
    });
    let wording = Hasher::new("wording").part(question.text.as_bytes());
    let wording = wording.part(question.gold.as_bytes());
    let source = question.program.iter();
    let source = source.fold(Hasher::new("source"), |hasher, source| {
        hasher.part(source.as_bytes())
    });
    let micros: i64 = question.sub_tasks.iter().map(|s| i64::from(s.micros)).sum();
    let values = params![
        question.number,
        question.id,
        interned.text(transaction, &question.text)?,
        interned.text(transaction, &question.kind)?,
        interned.text(transaction, &question.gold)?,
        interned.optional(transaction, question.program.as_deref())?,
        interned.optional(transaction, question.answer.as_deref().ok())?,
        interned.optional(
            transaction,
            question.answer.as_ref().err().map(String::as_str)
        )?,
        question.score,
        question.sub_tasks.len() as i64,
        micros,
        half(&wording.finish()),
        half(&source.finish()),
        half(&trace.finish()),
    ];
    let mut insert = transaction.prepare_cached(
        "INSERT INTO question (number, id, text, kind, gold, program, answer, error, fallback,
                               score, sub_tasks, micros, wording, source, trace)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    insert.execute(values)?;
    Ok(())
}

/// Adds what two traces are compared by: what was asked and answered, not by whom or how fast.
fn traced(trace: Hasher, sub_task: &SubTaskRecord, outcome: Option<&str>) -> Hasher {
    let region = sub_task.region.to_array().map(u32::to_le_bytes).concat();
    trace
        .part(sub_task.kind.name().as_bytes())
        .part(sub_task.image.as_bytes())
        .part(&region)
        .part(sub_task.text.as_bytes())
        .part(outcome.unwrap_or_default().as_bytes())
}

fn insert_sub_task(
    transaction: &Transaction,
    interned: &mut Interned,
    (question, place): (u32, u32),
    sub_task: &SubTaskRecord,
    outcome: Option<&str>,
    tally: &mut Tally,
) -> rusqlite::Result<()> {
    let kind = interned.text(transaction, sub_task.kind.name())?;
    let module = match &sub_task.module {
        Some(module) => Some(interned.module(transaction, module)?),
        None => None,
    };
    let source = sub_task.source.number();
    let counted = tally
        .entry((kind, module.unwrap_or(0), source))
        .or_default();
    counted.0 += 1;
    counted.1 += i64::from(sub_task.micros);
    let [x0, y0, x1, y1] = sub_task.region.to_array();
    let values = params![
        question,
        place,
        sub_task.line,
        kind,
        interned.image(transaction, &sub_task.image, false)?,
        x0,
        y0,
        x1,
        y1,
        interned.text(transaction, &sub_task.text)?,
        interned.optional(transaction, outcome)?,
        sub_task
            .outcome
            .as_ref()
            .map(|outcome| f64::from(outcome.confidence())),
        module,
        source,
        sub_task.micros,
    ];
    let mut insert = transaction.prepare_cached(
        "INSERT INTO sub_task (question, place, line, kind, image, x0, y0, x1, y1, text, outcome,
                               confidence, module, source, micros)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    insert.execute(values)?;
    Ok(())
}

fn add(transaction: &Transaction, tally: &Tally) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO sub_task_tally (kind, module, source, sub_tasks, micros)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET sub_tasks = sub_tasks + excluded.sub_tasks,
                                   micros = micros + excluded.micros",
    )?;
    for ((kind, module, source), (sub_tasks, micros)) in tally {
        upsert.execute(params![kind, module, source, sub_tasks, micros])?;
    }
    Ok(())
}
