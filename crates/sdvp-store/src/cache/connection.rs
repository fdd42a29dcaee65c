//! Opening the file of a cache, and what SQLite says of it, by name.

use super::error::{CacheError, Result};
use super::{FILE, schema};
use crate::address;
use crate::refusal::Refusal;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long one waits for another to let go: all write for moments only.
const PATIENCE: Duration = Duration::from_secs(30);
/// Memory for pages: less than 0 means KiB.
const PAGES: i64 = -16_384;
/// Pages in the log after which it is emptied, and what is left of it then.
const LOG_PAGES: i64 = 4096;
const LOG_BYTES: i64 = 16 << 20;

/// What SQLite says, by name.
pub(crate) fn named(path: &Path, doing: &'static str, source: rusqlite::Error) -> CacheError {
    let path = path.to_owned();
    match Refusal::of(source) {
        Refusal::Full => CacheError::Full { path },
        Refusal::Damaged(finding) => CacheError::Damaged { path, finding },
        Refusal::NotADatabase => CacheError::NotACache {
            path,
            found: "a file that is no SQLite database".to_owned(),
        },
        Refusal::ReadOnly => CacheError::ReadOnly { path },
        Refusal::Busy => CacheError::Busy {
            path,
            seconds: PATIENCE.as_secs(),
        },
        // Also of what SQLite puts beside the file, which it needs even to read.
        Refusal::Other(source) if source.sqlite_error_code() == Some(ErrorCode::CannotOpen) => {
            CacheError::ReadOnly { path }
        }
        Refusal::Other(source) => CacheError::Sqlite {
            doing,
            path,
            source,
        },
    }
}

/// Opens the file in a folder to use it, both made where they are missing.
pub(crate) fn open_or_create(folder: &Path) -> Result<(Connection, PathBuf)> {
    std::fs::create_dir_all(folder).map_err(|source| match source.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            CacheError::ReadOnly {
                path: folder.to_owned(),
            }
        }
        _ => CacheError::Io {
            doing: "make the folder",
            path: folder.to_owned(),
            source,
        },
    })?;
    open(folder, OpenFlags::SQLITE_OPEN_CREATE)
}

/// Opens the file in a folder to use it, if there is one.
pub(crate) fn open_existing(folder: &Path) -> Result<(Connection, PathBuf)> {
    if !folder.join(FILE).is_file() {
        return Err(CacheError::NoCache {
            folder: folder.to_owned(),
        });
    }
    open(folder, OpenFlags::empty())
}

/// Opens the file in a folder to read it, if there is one. Where nothing can be written it is read as a
/// mere file, if its log is empty.
pub(crate) fn open_to_read(folder: &Path) -> Result<(Connection, PathBuf)> {
    let error = match open_existing(folder) {
        Err(error @ CacheError::ReadOnly { .. }) => error,
        done => return done,
    };
    let path = folder.join(FILE);
    if address::has_log(&path) {
        return Err(error);
    }
    let Some(address) = address::immutable(&path) else {
        return Err(error);
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(address, flags | OpenFlags::SQLITE_OPEN_URI)
        .map_err(|source| named(&path, "open", source))?;
    match recognised(&connection, &path)? {
        version if version < schema::NEWEST => Err(error),
        _ => Ok((connection, path)),
    }
}

fn open(folder: &Path, create: OpenFlags) -> Result<(Connection, PathBuf)> {
    let path = folder.join(FILE);
    let fault = |source| named(&path, "open", source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let mut connection =
        Connection::open_with_flags(address::plain(&path), flags).map_err(fault)?;
    connection.busy_timeout(PATIENCE).map_err(fault)?;
    let version = recognised(&connection, &path)?;
    if version == 0 {
        // Only where there is nothing yet; so that the file can become smaller again.
        connection
            .pragma_update(None, "auto_vacuum", "incremental")
            .map_err(fault)?;
    }
    with_log(&connection, &path)?;
    // With a log, NORMAL loses no transaction when a process dies, and none is ever half there.
    for (name, value) in [
        ("cache_size", PAGES),
        ("wal_autocheckpoint", LOG_PAGES),
        ("journal_size_limit", LOG_BYTES),
    ] {
        connection
            .pragma(None, name, value, |_| Ok(()))
            .map_err(fault)?;
    }
    connection
        .pragma_update(None, "synchronous", "NORMAL")
        .map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(32);
    if version < schema::NEWEST {
        let update = |source| named(&path, "make the tables of", source);
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(update)?;
        // Another process may have been faster.
        let version = recognised(&transaction, &path)?;
        if version < schema::NEWEST {
            schema::migrate(&transaction, version).map_err(update)?;
        }
        transaction.commit().map_err(update)?;
    }
    Ok((connection, path))
}

/// Sees to it that there is a write-ahead log. SQLite does not wait for another one who does the same.
fn with_log(connection: &Connection, path: &Path) -> Result<()> {
    let started = Instant::now();
    loop {
        let journal: rusqlite::Result<String> =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
        match journal {
            Ok(journal) if journal == "wal" => return Ok(()),
            Ok(found) => {
                return Err(CacheError::NoLog {
                    path: path.to_owned(),
                    found,
                });
            }
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(named(path, "open", error)),
        }
    }
}

/// The version of a cache's file; 0 of one in which nothing is yet.
fn recognised(connection: &Connection, path: &Path) -> Result<i64> {
    // One moment of the file: another process may be making the tables.
    let look = || -> rusqlite::Result<(i64, i64, i64)> {
        connection.execute_batch("SAVEPOINT look")?;
        let application =
            connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version = crate::schema::version(connection)?;
        // Finds a file that is shorter than it says, too.
        let tables =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        connection.execute_batch("RELEASE look")?;
        Ok((application, version, tables))
    };
    let (application, version, tables) = look().map_err(|source| named(path, "read", source))?;
    if (application, version, tables) == (0, 0, 0) {
        return Ok(0);
    }
    if application != schema::APPLICATION {
        return Err(CacheError::NotACache {
            path: path.to_owned(),
            found: format!("a database of another program (application id {application})"),
        });
    }
    match version {
        found if found > schema::NEWEST => Err(CacheError::NewerSchema {
            path: path.to_owned(),
            found,
            known: schema::NEWEST,
        }),
        found if found < 1 => Err(CacheError::Damaged {
            path: path.to_owned(),
            finding: format!("expected a schema from 1 on, found {found}"),
        }),
        found => Ok(found),
    }
}

/// Seconds since 1970, by the clock.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
