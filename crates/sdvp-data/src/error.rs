//! What can be wrong with a benchmark's files.

use sdvp_core::Exceeded;
use std::path::{Path, PathBuf};

/// Why files could not be read or written. Each names the file, and the record and field where
/// there is one.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// An image of the set cannot be read or written.
    #[error("cannot write image {path}: {reason}", path = path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// The encoder's reason.
        reason: String,
    },
    /// The folder to be written holds something already.
    #[error("{path} already exists; expected a folder that does not, or is empty", path = path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A file is not JSON.
    #[error("{path}, line {line}, column {column}: not JSON: {reason}", path = path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 where it is not known.
        column: usize,
        /// The parser's reason.
        reason: String,
    },
    /// A record is longer than is allowed, or nested deeper.
    #[error("{path}, {record}: {exceeded}", path = path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// The record: its line or its key.
        record: String,
        /// The limit.
        exceeded: Exceeded,
    },
    /// A table is not CSV, or lacks a column.
    #[error("{path}, line {line}: {reason}", path = path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What was expected and found.
        reason: String,
    },
    /// Questions cannot be chosen as they should.
    #[error("{source_name}: {reason}")]
    Subset {
        /// What they were to be chosen from or by: a file.
        source_name: String,
        /// What was expected and found.
        reason: String,
    },
    /// A file has another layout.
    #[error("{path}: expected {expected}, found {found}", path = path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A record lacks a field, or holds something else in it.
    #[error("{path}, {record}, field {field}: expected {expected}, found {found}", path = path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The record: its line or its key.
        record: String,
        /// The field.
        field: String,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A folder holds no benchmark that can be read.
    #[error("{path}: expected {expected}", path = path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// What should be there.
        expected: String,
    },
}

impl DatasetError {
    /// For a limit that a record goes beyond.
    pub(crate) fn beyond(path: &Path, record: &str) -> impl FnOnce(Exceeded) -> Self {
        let (path, record) = (path.to_owned(), record.to_owned());
        move |exceeded| Self::Limit {
            path,
            record,
            exceeded,
        }
    }

    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }
}
