//! What can be wrong with a file of labels.

use sdvp_core::Exceeded;
use std::fmt;
use std::path::{Path, PathBuf};

/// Where in a file a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of JSON lines, from 1.
    Line(usize),
    /// A row of a table, from 0, as in data frames.
    Row(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, "line {line}"),
            Place::Row(row) => write!(f, "row {row} (the first is 0)"),
        }
    }
}

/// Why a file of labels cannot be used. Each names the file, and the record where there is one.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file, or something in it, is larger than is allowed.
    #[error("{}: {what}: {exceeded}; divide it, or label fewer calls", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// What of it is: `the file`, `line 3`.
        what: String,
        /// The limit.
        exceeded: Exceeded,
    },
    /// A line is no record.
    #[error("{}, line {line}, column {column}: {reason}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 where it is not known.
        column: usize,
        /// What the parser expected and found.
        reason: String,
    },
    /// The file is no table that can be read.
    #[error("{}: no Parquet file that can be read here: {reason}", file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// A table has a column that records have not.
    #[error("{}: expected columns of {expected}, found {found:?}", file.display())]
    Column {
        /// The file.
        file: PathBuf,
        /// The names of all fields.
        expected: String,
        /// The column's name.
        found: String,
    },
    /// A field of a record holds something else than it should.
    #[error("{}, {place}, field {field}: expected {expected}, found {found}", file.display())]
    Field {
        /// The file.
        file: PathBuf,
        /// The record.
        place: Place,
        /// The field, such as `boxes[2].score`.
        field: String,
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// Two records say different things of one call or picture.
    #[error("{}: {first} and {second} label the same call or picture differently; expected one label of it", file.display())]
    Disagree {
        /// The file.
        file: PathBuf,
        /// The earlier record.
        first: Place,
        /// The later one.
        second: Place,
    },
    /// Nothing in the file is a label.
    #[error(
        "{}: expected records with labels (boxes, answer or answers, probability, detections), found {found}",
        file.display()
    )]
    Empty {
        /// The file.
        file: PathBuf,
        /// What is there.
        found: String,
    },
}

impl LabelError {
    /// For a limit that something of a file goes beyond.
    pub(super) fn beyond(file: &Path, what: impl Into<String>) -> impl FnOnce(Exceeded) -> Self {
        let (file, what) = (file.to_owned(), what.into());
        move |exceeded| Self::TooLarge {
            file,
            what,
            exceeded,
        }
    }
}

/// Shorthand.
pub(super) type Result<T> = std::result::Result<T, LabelError>;
