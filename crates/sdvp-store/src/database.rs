//! Opening the database of a run, to write it or to read it.

use crate::address;
use crate::error::{Result, StoreError};
use crate::refusal::Refusal;
use crate::{DATABASE, schema, whole_text};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one waits for another to let go: readers and a writer meet only for moments.
const PATIENCE: Duration = Duration::from_secs(20);

/// Pages of the log from which on it is emptied.
const LOG: i64 = 4_096;

/// Memory for pages: less than 0 means KiB. The system's own cache has the others, and a run's memory
/// must not grow with its questions.
const CACHE: i64 = -8_192;

/// What SQLite says, by name. Who writes adds how much is kept.
pub(crate) fn named(path: &Path, doing: &'static str, source: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match Refusal::of(source) {
        Refusal::Full => StoreError::Full { path, kept: None },
        Refusal::Damaged(finding) => StoreError::Damaged { path, finding },
        Refusal::NotADatabase => StoreError::NotARun {
            path,
            found: "a file that is no SQLite database".to_owned(),
        },
        Refusal::ReadOnly => StoreError::ReadOnly { path },
        Refusal::Busy => StoreError::Busy {
            path,
            seconds: PATIENCE.as_secs(),
        },
        Refusal::Other(source) => StoreError::Sqlite {
            doing,
            path,
            source,
        },
    }
}

/// Opens the database to write it, made or brought up to date where needed, and checked as a whole
/// where it was there before. The second value says whether the last writer ended cleanly.
pub(crate) fn open_to_write(folder: &Path) -> Result<(Connection, PathBuf, bool)> {
    let path = folder.join(DATABASE);
    let open = |source| named(&path, "open", source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(address::plain(&path), flags).map_err(|source| match source
            .sqlite_error_code()
        {
            Some(ErrorCode::CannotOpen) => StoreError::ReadOnly { path: path.clone() },
            _ => named(&path, "open", source),
        })?;
    connection.busy_timeout(PATIENCE).map_err(open)?;
    let version = recognised(&connection, &path)?;
    let clean = match version {
        None => true,
        Some(_) => {
            let clean = ended_cleanly(&connection).map_err(open)?;
            check(&connection, &path, clean)?;
            clean
        }
    };
    let journal: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(open)?;
    if journal != "wal" {
        return Err(StoreError::NoLog {
            path,
            found: journal,
        });
    }
    // With a log, NORMAL loses no transaction when a process dies, and none is ever half there; when
    // the machine dies, the last ones may be missing, and their questions are run again. FULL would
    // wait for the disk at every question instead.
    connection
        .pragma_update(None, "synchronous", "NORMAL")
        .map_err(open)?;
    // Pages that are changed over and over, as those of indices, are written back once for many
    // transactions: the log grows to 16 MiB before it is emptied. That is room a small run needs, too:
    // every question writes some ten pages of it.
    connection
        .pragma_update(None, "wal_autocheckpoint", LOG)
        .map_err(open)?;
    // The index of texts is looked into at random places.
    connection
        .pragma_update(None, "cache_size", CACHE)
        .map_err(open)?;
    connection.set_prepared_statement_cache_capacity(64);
    let from = version.unwrap_or(0);
    if from < schema::NEWEST {
        let update = |source| named(&path, "make the tables of", source);
        let transaction = connection.transaction().map_err(update)?;
        schema::migrate(&transaction, &schema::MIGRATIONS, from).map_err(update)?;
        transaction.commit().map_err(update)?;
    }
    Ok((connection, path, clean))
}

/// Opens the database to read it as it is at this moment, whatever is written meanwhile.
pub(crate) fn open_to_read(folder: &Path) -> Result<(Connection, PathBuf)> {
    let path = folder.join(DATABASE);
    if !path.is_file() {
        return Err(StoreError::NoRun {
            folder: folder.to_owned(),
        });
    }
    let connection = match begin(address::plain(&path), OpenFlags::empty()) {
        Ok(connection) => connection,
        // SQLite wants to write beside the database even to read it. Where that is not possible, a
        // database that was ended cleanly (its log is gone, or empty) can be read as a mere file.
        Err(error) if needs_to_write(&error) => {
            if address::has_log(&path) {
                return Err(StoreError::UncleanReadOnly { path });
            }
            let Some(address) = address::immutable(&path) else {
                return Err(named(&path, "open", error));
            };
            begin(address, OpenFlags::SQLITE_OPEN_URI)
                .map_err(|source| named(&path, "open", source))?
        }
        Err(error) => return Err(named(&path, "open", error)),
    };
    match recognised(&connection, &path)? {
        None | Some(0) => Err(StoreError::NoRun {
            folder: folder.to_owned(),
        }),
        Some(found) if found < schema::NEWEST => Err(StoreError::OlderSchema {
            path,
            found,
            known: schema::NEWEST,
        }),
        Some(_) => Ok((connection, path)),
    }
}

fn needs_to_write(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    )
}

fn begin(what: impl AsRef<Path>, how: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | how;
    let connection = Connection::open_with_flags(what, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "cache_size", CACHE)?;
    connection.execute_batch("BEGIN")?;
    // The moment is that of the first thing read.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// The version of a run's database; `None` of one in which nothing is yet.
fn recognised(connection: &Connection, path: &Path) -> Result<Option<i64>> {
    let read = |source| named(path, "read", source);
    let application: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(read)?;
    let version = schema::version(connection).map_err(read)?;
    if application == 0 && version == 0 {
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(read)?;
        if tables == 0 {
            return Ok(None);
        }
    }
    if application != schema::APPLICATION {
        return Err(StoreError::NotARun {
            path: path.to_owned(),
            found: format!("a database of another program (application id {application})"),
        });
    }
    if version > schema::NEWEST {
        return Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found: version,
            known: schema::NEWEST,
        });
    }
    Ok(Some(version))
}

/// Whether the last writer, if there was one, closed what it had opened.
fn ended_cleanly(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT coalesce((SELECT ended FROM session ORDER BY number DESC LIMIT 1), 1)",
        [],
        |row| row.get(0),
    )
}

/// Reads the whole database and looks for contradictions, and for texts that are not what was written;
/// after an unclean end also between tables and their indices.
fn check(connection: &Connection, path: &Path, clean: bool) -> Result<()> {
    let pragma = if clean {
        "PRAGMA quick_check(1)"
    } else {
        "PRAGMA integrity_check(1)"
    };
    let finding: String = connection
        .query_row(pragma, [], |row| row.get(0))
        .map_err(|source| named(path, "check", source))?;
    if finding == "ok" {
        // What SQLite does not look at: a value is any bytes.
        return whole_text::check(connection, path);
    }
    Err(StoreError::Damaged {
        path: path.to_owned(),
        finding,
    })
}
