//! Why a run cannot be written or read.

use crate::configuration::Difference;
use std::path::PathBuf;

/// Why a run cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone else writes.
    #[error(
        "{} is being written by {}; wait until that ends or end it, or choose another folder (`sdvp runs show` reads a run meanwhile)",
        folder.display(), writer(*process)
    )]
    Locked {
        /// The run.
        folder: PathBuf,
        /// Who writes, if it has said so yet.
        process: Option<u32>,
    },
    /// Nothing to read.
    #[error("{} holds no run: expected run.sqlite in it, as `sdvp run --out` writes it", folder.display())]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of that name that is something else.
    #[error(
        "{} is not the database of a run: expected one that `sdvp run --out` made, found {found}; choose another folder, or move the file away",
        path.display()
    )]
    NotARun {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// Written by a later version.
    #[error(
        "{} has schema {found}, and this version knows schemas up to {known}; use the version that wrote it, or a later one",
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
    /// Written by an earlier version, and only to be read now.
    #[error(
        "{} has schema {found}, expected {known}; go on with the run once (the same `sdvp run --out`), which brings it up to date",
        path.display()
    )]
    OlderSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The one that is read.
        known: i64,
    },
    /// What is in the file contradicts itself.
    #[error(
        "{} is damaged: {finding}; nothing was changed. Copy the folder, and either save what SQLite's command line can (`.recover`) or run again into a new folder",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first thing that is wrong.
        finding: String,
    },
    /// The folder has another run.
    #[error(
        "{} holds a run of another configuration: {}; choose another folder, or say the same as before to go on with it",
        folder.display(), listed(differing)
    )]
    OtherConfiguration {
        /// The run.
        folder: PathBuf,
        /// What differs.
        differing: Vec<Difference>,
    },
    /// A place that cannot be written.
    #[error("{} cannot be written; choose a folder that can, or change its permissions", path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
    },
    /// A run that was left in the middle, in a place that cannot be written.
    #[error(
        "{} was not ended cleanly and its folder cannot be written, which reading it needs; copy the folder to a place that can be written, or change its permissions",
        path.display()
    )]
    UncleanReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// No room.
    #[error(
        "there is no room left to write {} (a full disk, or a limit on the size of files); {}. Make room and start the same run again: it goes on with the others",
        path.display(), what_is_kept(*kept)
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// How many questions there are, if that can be told without room.
        kept: Option<u64>,
    },
    /// A file system that lacks what readers beside a writer need.
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
    /// A question that is there already.
    #[error(
        "question {number} ({id}) is in {} already; a finished question is not to be run again",
        path.display()
    )]
    Again {
        /// The database.
        path: PathBuf,
        /// The question's number.
        number: u32,
        /// Its id.
        id: String,
    },
    /// Another answer for a question that has not failed, or is not there.
    #[error(
        "question {number} of {} has no failure that another answer could stand in for",
        path.display()
    )]
    NotFailed {
        /// The database.
        path: PathBuf,
        /// The question's number.
        number: u32,
    },
    /// A score that is none.
    #[error("expected a score from 0 to 1 for question {id}, found {found}")]
    Score {
        /// The question.
        id: String,
        /// What was given.
        found: f64,
    },
    /// A record that cannot be written as JSON.
    #[error("cannot write {what} as JSON: {source}")]
    Json {
        /// What it is.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A picture that cannot be encoded.
    #[error("cannot encode the image {digest} as PNG: {reason}")]
    Encode {
        /// Its digest.
        digest: String,
        /// Why.
        reason: String,
    },
    /// A table that cannot be written.
    #[error("cannot export to {}: {reason}", path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Others use it.
    #[error(
        "{} was in use by others for {seconds} s; try again when they are done", path.display()
    )]
    Busy {
        /// The database.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// SQLite refuses for another reason.
    #[error("cannot {doing} {}: {source}", path.display())]
    Sqlite {
        /// What was tried.
        doing: &'static str,
        /// The database.
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
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

fn writer(process: Option<u32>) -> String {
    process.map_or_else(
        || "another process".to_owned(),
        |id| format!("process {id}"),
    )
}

fn what_is_kept(questions: Option<u64>) -> String {
    questions.map_or_else(
        || "what was finished is kept".to_owned(),
        |count| format!("{count} finished questions are kept"),
    )
}

fn listed(differing: &[Difference]) -> String {
    let each: Vec<String> = differing.iter().map(Difference::to_string).collect();
    each.join("; ")
}
