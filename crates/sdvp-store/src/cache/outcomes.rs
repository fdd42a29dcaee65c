//! The cache in use: outcomes looked up and kept.

use super::connection::{self, named, now};
use super::error::{CacheError, Result};
use super::room;
use super::value;
use crate::digest_column::half;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sdvp_core::{Digest, FoundOutcomes, Outcome, OutcomeCache, OutcomeCacheError, OutcomeKey};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Outcomes, looked up or kept, after which the next tick begins.
const TICK: usize = 8192;
/// Uses that are noted together where nothing else is written.
const USES: usize = 4096;
/// The largest value that is kept or read, bytes; of a small cache, its [`SHARE`]th part.
const LARGEST: u64 = 4 << 20;
/// Of the bound, the part that one transaction writes at most.
const SHARE: u64 = 8;

/// How a cache is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// Most bytes of the file. Its log, which is emptied into it again and again, takes some megabytes
    /// beside it.
    pub max_bytes: u64,
    /// Identity of the program that computes: outcomes of another one are not looked at, as networks
    /// may be computed otherwise there.
    pub program: Digest,
}

impl CacheSettings {
    /// Two gibibytes.
    pub const USUAL_BYTES: u64 = 2 << 30;
}

/// Outcomes in a file, which any number of threads and processes may use at once.
pub struct OutcomeFile {
    path: PathBuf,
    settings: CacheSettings,
    state: Mutex<State>,
}

struct State {
    connection: Connection,
    tick: i64,
    /// The tick of the outcome that was used longest ago.
    oldest: i64,
    /// Outcomes looked up or kept in this tick.
    touched: usize,
    /// Rows that were used and are not noted as such yet.
    used: BTreeSet<i64>,
    /// Uses that are not counted yet, by module.
    hits: BTreeMap<i64, usize>,
}

impl State {
    /// The tick before which a use is worth noting: the middle of all that outcomes were used in. So
    /// what is used is never among the older half, and most uses cost nothing.
    fn older_half(&self) -> i64 {
        let ticks = self.tick.saturating_sub(self.oldest).max(0);
        self.tick.saturating_sub(ticks / 2)
    }
}

/// An entry that is there, right or wrong.
struct Entry {
    id: i64,
    used: i64,
    checksum: Vec<u8>,
    /// None if it is larger than any can be.
    value: Option<Vec<u8>>,
}

impl OutcomeFile {
    /// Opens the cache in a folder; both are made where they are missing. Where there is more in it
    /// than `max_bytes` now, what was used longest ago goes.
    ///
    /// # Errors
    /// If the file is something else, damaged, or of a later version; if it cannot be written; if
    /// there is no room; if the bound is less than a mebibyte.
    pub fn open(folder: &Path, settings: CacheSettings) -> Result<Self> {
        if settings.max_bytes < room::LEAST {
            return Err(CacheError::TooSmall {
                found: settings.max_bytes,
                least: room::LEAST,
            });
        }
        let (mut connection, path) = connection::open_or_create(folder)?;
        let fault = |source| named(&path, "open", source);
        let transaction = begin(&mut connection).map_err(fault)?;
        let tick = next_tick(&transaction).map_err(fault)?;
        let bound = i64::try_from(settings.max_bytes).unwrap_or(i64::MAX);
        transaction
            .execute("UPDATE cache SET max_bytes = ?1", [bound])
            .map_err(fault)?;
        room::make_room(&transaction, settings.max_bytes, 0).map_err(fault)?;
        let oldest = oldest(&transaction, tick).map_err(fault)?;
        transaction.commit().map_err(fault)?;
        room::shrink(&connection, settings.max_bytes).map_err(fault)?;
        Ok(Self {
            path,
            settings,
            state: Mutex::new(State {
                connection,
                tick,
                oldest,
                touched: 0,
                used: BTreeSet::new(),
                hits: BTreeMap::new(),
            }),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every change is a transaction, so the state is sound even after a panic elsewhere.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The largest value that is kept.
    fn largest(&self) -> u64 {
        LARGEST.min(self.settings.max_bytes / SHARE)
    }

    /// What is known of keys, as many as there are keys.
    ///
    /// # Errors
    /// If the file cannot be read, or is damaged in a way that SQLite notices.
    pub fn look_up(&self, keys: &[OutcomeKey]) -> Result<FoundOutcomes> {
        let read = |source| named(&self.path, "read", source);
        let mut state = self.state();
        let state = &mut *state;
        let mut found = FoundOutcomes::default();
        let mut wrong = Vec::new();
        let older = state.older_half();
        // One moment of the file for all keys; not one lock for each.
        let transaction = state.connection.transaction().map_err(read)?;
        let mut modules = HashMap::new();
        for key in keys {
            let module = match modules.get(&key.module) {
                Some(module) => *module,
                None => {
                    let module = module(&transaction, &self.settings.program, &key.module);
                    *modules.entry(key.module).or_insert(module.map_err(read)?)
                }
            };
            let entry = match module {
                Some(module) => entry(&transaction, module, key).map_err(read)?,
                None => None,
            };
            let (Some(entry), Some(module)) = (entry, module) else {
                found.outcomes.push(None);
                continue;
            };
            match self.believed(key, &entry) {
                Ok(outcome) => {
                    *state.hits.entry(module).or_default() += 1;
                    if entry.used < older {
                        state.used.insert(entry.id);
                    }
                    found.outcomes.push(Some(outcome));
                }
                Err(reason) => {
                    found
                        .refused
                        .push(format!("{}: {reason}", self.path.display()));
                    found.outcomes.push(None);
                    wrong.push((entry.id, entry.checksum));
                }
            }
        }
        transaction.commit().map_err(read)?;
        state.touched += keys.len();
        if !wrong.is_empty() || state.used.len() >= USES {
            self.transact(state, |transaction| discard(transaction, &wrong))?;
        }
        Ok(found)
    }

    /// The outcome of an entry, or why it is not believed.
    fn believed(&self, key: &OutcomeKey, entry: &Entry) -> std::result::Result<Outcome, String> {
        let Some(value) = &entry.value else {
            return Err(format!(
                "expected at most {LARGEST} bytes of the outcome of request {}",
                key.request.short()
            ));
        };
        if entry.checksum != value::checksum(&self.settings.program, key, value) {
            return Err(format!(
                "the outcome of request {} does not fit its checksum",
                key.request.short()
            ));
        }
        value::read(value).map_err(|reason| {
            format!(
                "the outcome of request {} cannot be read: {reason}",
                key.request.short()
            )
        })
    }

    /// Keeps outcomes, and says how many: those that are larger than four mebibytes, or an eighth of
    /// the bound, are not kept.
    ///
    /// # Errors
    /// If there is no room on the disk, or the file cannot be written or is damaged. What was kept
    /// before stays.
    pub fn keep(&self, outcomes: &[(OutcomeKey, Outcome)]) -> Result<usize> {
        let largest = self.largest();
        let values = outcomes.iter().filter_map(|(key, outcome)| {
            let value = value::written(outcome)?;
            (value.len() as u64 <= largest).then_some((key, value))
        });
        let values: Vec<(&OutcomeKey, Vec<u8>)> = values.collect();
        let mut state = self.state();
        let mut rest = values.as_slice();
        while !rest.is_empty() {
            let most = self.settings.max_bytes / SHARE;
            let mut bytes = 0;
            let fits = rest.iter().take_while(|(_, value)| {
                let first = bytes == 0;
                bytes += room::cost(value.len());
                first || bytes <= most
            });
            let (now, later) = rest.split_at(fits.count());
            self.transact(&mut state, |transaction| self.insert(transaction, now))?;
            state.touched += now.len();
            rest = later;
        }
        Ok(values.len())
    }

    fn insert(
        &self,
        transaction: &Changing,
        values: &[(&OutcomeKey, Vec<u8>)],
    ) -> rusqlite::Result<()> {
        let bytes = values.iter().map(|(_, value)| room::cost(value.len()));
        room::make_room(transaction.of, self.settings.max_bytes, bytes.sum())?;
        let mut modules = HashMap::new();
        let mut insert = transaction.of.prepare_cached(
            "INSERT INTO outcome (module, request, used, checksum, value) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (module, request) DO UPDATE
             SET used = excluded.used, checksum = excluded.checksum, value = excluded.value",
        )?;
        let program = &self.settings.program;
        for (key, value) in values {
            let module = match modules.get(&key.module) {
                Some(module) => *module,
                None => {
                    let module = known_module(transaction.of, program, &key.module)?;
                    *modules.entry(key.module).or_insert(module)
                }
            };
            let checksum = value::checksum(program, key, value);
            insert.execute(params![
                module,
                half(&key.request),
                transaction.tick,
                checksum,
                value
            ])?;
        }
        Ok(())
    }

    /// Lets the file grow no further, as a full disk does.
    #[cfg(test)]
    pub(crate) fn at_most_pages(&self, pages: i64) {
        let state = self.state();
        let bounded = state
            .connection
            .pragma(None, "max_page_count", pages, |_| Ok(()));
        assert!(bounded.is_ok());
    }

    /// Changes something as a whole or not at all; what was used meanwhile is noted with it.
    fn transact(
        &self,
        state: &mut State,
        work: impl FnOnce(&Changing) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let change = || {
            let transaction = begin(&mut state.connection)?;
            let tick = match state.touched >= TICK {
                true => next_tick(&transaction)?,
                false => state.tick,
            };
            note_uses(&transaction, &state.used, &state.hits, tick)?;
            work(&Changing {
                of: &transaction,
                tick,
            })?;
            let oldest = oldest(&transaction, tick)?;
            transaction.commit()?;
            Ok((tick, oldest))
        };
        let (tick, oldest) = change().map_err(|source| named(&self.path, "write", source))?;
        if tick != state.tick {
            (state.tick, state.touched) = (tick, 0);
        }
        state.oldest = oldest;
        state.used.clear();
        state.hits.clear();
        Ok(())
    }
}

impl OutcomeCache for OutcomeFile {
    fn get(&self, keys: &[OutcomeKey]) -> std::result::Result<FoundOutcomes, OutcomeCacheError> {
        let found = self.look_up(keys);
        found.map_err(|error| OutcomeCacheError(error.to_string()))
    }

    fn put(
        &self,
        outcomes: &[(OutcomeKey, Outcome)],
    ) -> std::result::Result<usize, OutcomeCacheError> {
        let kept = self.keep(outcomes);
        kept.map_err(|error| OutcomeCacheError(error.to_string()))
    }
}

impl Drop for OutcomeFile {
    fn drop(&mut self) {
        let mut state = self.state();
        if !state.used.is_empty() || !state.hits.is_empty() {
            // Which of the outcomes were used last is all that is lost if this fails.
            let _ = self.transact(&mut state, |_| Ok(()));
        }
    }
}

/// A transaction, and the tick it is in.
struct Changing<'a> {
    of: &'a Transaction<'a>,
    tick: i64,
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

fn next_tick(transaction: &Transaction) -> rusqlite::Result<i64> {
    transaction.execute("INSERT INTO tick (seconds) VALUES (?1)", [now()])?;
    Ok(transaction.last_insert_rowid())
}

/// The tick of the outcome that was used longest ago; `tick` if there is none.
fn oldest(connection: &Connection, tick: i64) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT coalesce(min(used), ?1) FROM outcome")?
        .query_row([tick], |row| row.get(0))
}

/// A module's number, if it has one.
fn module(
    connection: &Connection,
    program: &Digest,
    fingerprint: &Digest,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM module WHERE program = ?1 AND fingerprint = ?2")?
        .query_row([program.as_bytes(), fingerprint.as_bytes()], |row| {
            row.get(0)
        })
        .optional()
}

/// A module's number, a new one if it has none.
fn known_module(
    transaction: &Transaction,
    program: &Digest,
    fingerprint: &Digest,
) -> rusqlite::Result<i64> {
    if let Some(known) = module(transaction, program, fingerprint)? {
        return Ok(known);
    }
    transaction.execute(
        "INSERT INTO module (program, fingerprint) VALUES (?1, ?2)",
        [program.as_bytes(), fingerprint.as_bytes()],
    )?;
    Ok(transaction.last_insert_rowid())
}

fn entry(
    connection: &Connection,
    module: i64,
    key: &OutcomeKey,
) -> rusqlite::Result<Option<Entry>> {
    connection
        .prepare_cached(
            "SELECT id, used, checksum, iif(length(value) <= ?3, value, NULL) FROM outcome
             WHERE module = ?1 AND request = ?2",
        )?
        .query_row(params![module, half(&key.request), LARGEST as i64], |row| {
            Ok(Entry {
                id: row.get(0)?,
                used: row.get(1)?,
                checksum: row.get(2)?,
                value: row.get(3)?,
            })
        })
        .optional()
}

/// Removes entries that are not believed, as long as they are what they were.
fn discard(transaction: &Changing, wrong: &[(i64, Vec<u8>)]) -> rusqlite::Result<()> {
    let mut delete = transaction
        .of
        .prepare_cached("DELETE FROM outcome WHERE id = ?1 AND checksum = ?2")?;
    for (id, checksum) in wrong {
        delete.execute(params![id, checksum])?;
    }
    transaction
        .of
        .prepare_cached("UPDATE cache SET refused = refused + ?1")?
        .execute([wrong.len() as i64])?;
    Ok(())
}

/// Notes which rows were used, and how often which module's.
fn note_uses(
    transaction: &Transaction,
    used: &BTreeSet<i64>,
    hits: &BTreeMap<i64, usize>,
    tick: i64,
) -> rusqlite::Result<()> {
    let mut update =
        transaction.prepare_cached("UPDATE outcome SET used = ?2 WHERE id = ?1 AND used < ?2")?;
    for id in used {
        update.execute([*id, tick])?;
    }
    let mut count =
        transaction.prepare_cached("UPDATE module SET hits = hits + ?2 WHERE id = ?1")?;
    for (module, hits) in hits {
        count.execute([*module, *hits as i64])?;
    }
    let all: usize = hits.values().sum();
    if all > 0 {
        transaction
            .prepare_cached("UPDATE cache SET hits = hits + ?1")?
            .execute([all as i64])?;
    }
    Ok(())
}
