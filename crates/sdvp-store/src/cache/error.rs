//! Why a cache of outcomes cannot be used.

use std::path::PathBuf;

/// Why a cache of outcomes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Nothing there.
    #[error(
        "{} holds no cache of outcomes: expected outcomes.sqlite in it, as `--cache` writes it",
        folder.display()
    )]
    NoCache {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of that name that is something else.
    #[error(
        "{} is no cache of outcomes: expected one that `--cache` made, found {found}; choose another folder, or move the file away",
        path.display()
    )]
    NotACache {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// Written by a later version.
    #[error(
        "{} has schema {found}, and this version knows schemas up to {known}; use the version that wrote it, or choose another folder",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest known.
        known: i64,
    },
    /// What is in the file contradicts itself.
    #[error(
        "{} is damaged: {finding}. All that is in it can be computed again: remove the file (and what SQLite put beside it, -wal and -shm), or choose another folder",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        finding: String,
    },
    /// A place that cannot be written.
    #[error(
        "{} cannot be written; choose a folder for the cache that can, change its permissions, or leave the cache out",
        path.display()
    )]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
    },
    /// No room.
    #[error(
        "there is no room left to write {} (a full disk, or a limit on the size of files); make room, choose a folder on another disk, or leave the cache out",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// A file system that lacks what several processes at once need.
    #[error(
        "{} cannot have a write-ahead log (SQLite chose {found:?}); choose a folder on a local disk",
        path.display()
    )]
    NoLog {
        /// The file.
        path: PathBuf,
        /// What SQLite would do instead.
        found: String,
    },
    /// Another process does not let go.
    #[error(
        "{} has been kept locked by another process for {seconds} seconds; end that process, or choose another folder",
        path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long one has waited.
        seconds: u64,
    },
    /// A bound that leaves no room for anything.
    #[error(
        "expected room for a cache of at least {least} bytes, found {found}; give it more (2GiB is usual)"
    )]
    TooSmall {
        /// What was given.
        found: u64,
        /// The least there may be.
        least: u64,
    },
    /// No such module, or several.
    #[error(
        "{} has outcomes of {count} modules whose fingerprint begins with {said:?}, expected one; `sdvp cache stats` lists them",
        path.display()
    )]
    Module {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        said: String,
        /// How many there are.
        count: usize,
    },
    /// SQLite refuses for another reason.
    #[error("cannot {doing} {}: {source}", path.display())]
    Sqlite {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
    /// The system refuses.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// Shorthand.
pub(crate) type Result<T> = std::result::Result<T, CacheError>;
