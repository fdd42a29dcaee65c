//! Emptying a cache, or part of it, while others may use it.

use super::connection::{self, named, now};
use super::error::{CacheError, Result};
use super::room::{self, Pages};
use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;
use std::path::Path;

/// Rows that go in one transaction, so that nobody waits long.
const AT_ONCE: i64 = 16_384;

/// What is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clearing {
    /// All.
    All,
    /// Outcomes of the module whose fingerprint begins with these hexadecimal digits, whichever program
    /// computed them.
    Module(String),
    /// Outcomes that were last used before so many days, by the clock.
    OlderThan {
        /// The days.
        days: u32,
    },
}

/// What has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cleared {
    /// Outcomes that have gone.
    pub removed: u64,
    /// Bytes by which the file is smaller.
    pub freed_bytes: u64,
}

/// Removes outcomes from the cache in a folder. Whoever uses it meanwhile computes them again.
///
/// # Errors
/// If there is no cache; if no module, or more than one, is meant; if the file cannot be written.
pub fn clear_cache(folder: &Path, what: &Clearing) -> Result<Cleared> {
    let (mut connection, path) = connection::open_existing(folder)?;
    let before = Pages::of(&connection).map_err(|source| named(&path, "read", source))?;
    let mut removed = 0;
    loop {
        let now = step(&mut connection, &path, what)?;
        removed += now as u64;
        if now == 0 {
            break;
        }
    }
    let finish = || {
        if *what == Clearing::All {
            // Modules keep their numbers; those that may be numbered by someone else now stay.
            connection.execute(
                "DELETE FROM tick WHERE number < (SELECT max(number) FROM tick)",
                [],
            )?;
        }
        room::shrink(&connection, 0)?;
        // Else the file would not be smaller before the next one empties its log.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Pages::of(&connection)
    };
    let after = finish().map_err(|source| named(&path, "clear", source))?;
    Ok(Cleared {
        removed,
        freed_bytes: before.file().saturating_sub(after.file()),
    })
}

/// Removes some of it; 0 once nothing is left.
fn step(connection: &mut Connection, path: &Path, what: &Clearing) -> Result<usize> {
    let fault = |source| named(path, "clear", source);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fault)?;
    let among = |condition: &str, value: i64| {
        transaction.execute(
            &format!(
                "DELETE FROM outcome WHERE id IN
                     (SELECT id FROM outcome WHERE {condition} LIMIT {AT_ONCE})"
            ),
            [value],
        )
    };
    let removed = match what {
        Clearing::All => among("?1 = 0", 0).map_err(fault)?,
        Clearing::OlderThan { days } => {
            let before = now().saturating_sub(i64::from(*days) * 24 * 60 * 60);
            let older = "used IN (SELECT number FROM tick WHERE seconds < ?1)";
            among(older, before).map_err(fault)?
        }
        Clearing::Module(said) => {
            let mut removed = 0;
            for module in modules(&transaction, path, said)? {
                removed += among("module = ?1", module).map_err(fault)?;
            }
            removed
        }
    };
    transaction.commit().map_err(fault)?;
    Ok(removed)
}

/// The numbers of the one module whose fingerprint begins so, one for each program that computed it.
fn modules(connection: &Connection, path: &Path, said: &str) -> Result<Vec<i64>> {
    let read = |source| named(path, "read", source);
    let mut statement = connection
        .prepare(
            "SELECT id, fingerprint FROM module WHERE lower(hex(fingerprint)) LIKE ?1 || '%'
             ORDER BY id",
        )
        .map_err(read)?;
    let said = said.to_lowercase();
    let is_digest = !said.is_empty() && said.bytes().all(|digit| digit.is_ascii_hexdigit());
    let none = || CacheError::Module {
        path: path.to_owned(),
        said: said.clone(),
        count: 0,
    };
    if !is_digest {
        return Err(none());
    }
    let rows = statement
        .query_map([&said], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))
        .map_err(read)?;
    let known: Vec<(i64, Vec<u8>)> = rows.collect::<rusqlite::Result<_>>().map_err(read)?;
    let mut fingerprints: Vec<&Vec<u8>> =
        known.iter().map(|(_, fingerprint)| fingerprint).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    match fingerprints.len() {
        0 => Err(none()),
        1 => Ok(known.iter().map(|(id, _)| *id).collect()),
        count => Err(CacheError::Module {
            path: path.to_owned(),
            said,
            count,
        }),
    }
}
