//! What is in a cache.

use super::connection::{self, named};
use super::error::Result;
use super::room::Pages;
use crate::digest_column;
use rusqlite::Connection;
use sdvp_core::Digest;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is in a cache. Times are seconds since 1970 by the clock at that time, to within the few
/// thousand outcomes between two ticks; none where there is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CacheSummary {
    /// The file.
    pub path: PathBuf,
    /// Outcomes.
    pub entries: u64,
    /// Bytes of the file that are used.
    pub used_bytes: u64,
    /// Bytes of the file, without its log.
    pub file_bytes: u64,
    /// The most there may be, as whoever opened it last has said.
    pub max_bytes: u64,
    /// Sub-tasks that were answered from it so far.
    pub hits: u64,
    /// Entries that were not believed so far.
    pub refused: u64,
    /// Outcomes that went to make room so far.
    pub evicted: u64,
    /// When the outcome that goes next was used.
    pub oldest_use: Option<i64>,
    /// When one was used last.
    pub newest_use: Option<i64>,
    /// By module, those with the most outcomes first.
    pub modules: Vec<KeptModule>,
}

/// What is kept of one module, as one program computed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptModule {
    /// The module's fingerprint.
    pub fingerprint: Digest,
    /// Identity of the program.
    pub program: Digest,
    /// Its outcomes.
    pub entries: u64,
    /// Their bytes.
    pub value_bytes: u64,
    /// Sub-tasks that were answered with them so far.
    pub hits: u64,
    /// When the one used longest ago was used.
    pub oldest_use: Option<i64>,
    /// When one was used last.
    pub newest_use: Option<i64>,
}

/// What is in the cache in a folder. All entries are counted, which takes a second for some million.
///
/// # Errors
/// If there is none, or it cannot be read.
pub fn cache_summary(folder: &Path) -> Result<CacheSummary> {
    let (mut connection, path) = connection::open_to_read(folder)?;
    // One moment of the file.
    let begun = connection.transaction();
    let moment = begun.map_err(|source| named(&path, "read", source))?;
    summary(&moment, &path)
}

fn summary(connection: &Connection, path: &Path) -> Result<CacheSummary> {
    let read = |source| named(path, "read", source);
    let pages = Pages::of(connection).map_err(read)?;
    let modules = modules(connection, path)?;
    let [max_bytes, hits, refused, evicted] = connection
        .query_row(
            "SELECT max_bytes, hits, refused, evicted FROM cache",
            [],
            |row| {
                let count = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
                Ok([count(0)?, count(1)?, count(2)?, count(3)?])
            },
        )
        .map_err(read)?;
    let uses = modules.iter();
    Ok(CacheSummary {
        path: path.to_owned(),
        entries: modules.iter().map(|module| module.entries).sum(),
        used_bytes: pages.used(),
        file_bytes: pages.file(),
        max_bytes,
        hits,
        refused,
        evicted,
        oldest_use: uses.clone().filter_map(|module| module.oldest_use).min(),
        newest_use: uses.filter_map(|module| module.newest_use).max(),
        modules,
    })
}

fn modules(connection: &Connection, path: &Path) -> Result<Vec<KeptModule>> {
    let read = |source| named(path, "read", source);
    let mut statement = connection
        .prepare(
            "SELECT fingerprint, program, entries, bytes, hits, oldest.seconds, newest.seconds
             FROM (SELECT module, count(*) AS entries, sum(length(value)) AS bytes,
                          min(used) AS first, max(used) AS last
                   FROM outcome GROUP BY module)
             JOIN module ON module.id = module
             LEFT JOIN tick oldest ON oldest.number = first
             LEFT JOIN tick newest ON newest.number = last
             ORDER BY entries DESC, fingerprint, program",
        )
        .map_err(read)?;
    let rows = statement.query_map([], |row| {
        let count = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
        Ok((
            [row.get::<_, Vec<u8>>(0)?, row.get(1)?],
            [count(2)?, count(3)?, count(4)?],
            [row.get::<_, Option<i64>>(5)?, row.get(6)?],
        ))
    });
    let mut found = Vec::new();
    for row in rows.map_err(read)? {
        let ([fingerprint, program], [entries, value_bytes, hits], [oldest_use, newest_use]) =
            row.map_err(read)?;
        let digest = |what: &str, bytes: &[u8]| {
            digest_column::whole(bytes).ok_or_else(|| super::CacheError::Damaged {
                path: path.to_owned(),
                finding: format!("expected 32 bytes as {what}, found {}", bytes.len()),
            })
        };
        found.push(KeptModule {
            fingerprint: digest("a module's fingerprint", &fingerprint)?,
            program: digest("a program's digest", &program)?,
            entries,
            value_bytes,
            hits,
            oldest_use,
            newest_use,
        });
    }
    Ok(found)
}
