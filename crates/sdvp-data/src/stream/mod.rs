//! Files of any size, read record by record: what is held is one record, never the file.
//!
//! Reading JSON with serde's own streaming would hold one record, too, but it cannot say where a
//! record starts, bound what one may take before it is allocated, or read one a second time for a
//! better error; so [`Entries`] finds where a record ends and serde reads what lies between.

mod entries;
mod lines;
mod metered;

pub(crate) use entries::{Bounds, Entries, Entry};
pub(crate) use lines::Lines;
pub(crate) use metered::Metered;

use crate::DatasetError;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::Path;

/// Bytes asked of a file at once.
const PIECE: usize = 1 << 16;

/// What a reader does after it has handed out a record: go on, or stop early.
pub(crate) type Next = ControlFlow<()>;

/// Everything a streaming reader hands out, or the first error of the file or of a record.
pub(crate) fn collect<T>(
    read: impl FnOnce(&mut dyn FnMut(Result<T, DatasetError>) -> Next) -> Result<(), DatasetError>,
) -> Result<Vec<T>, DatasetError> {
    let mut all = Vec::new();
    let mut wrong = None;
    read(&mut |record| match record {
        Ok(record) => {
            all.push(record);
            Next::Continue(())
        }
        Err(error) => {
            wrong = Some(error);
            Next::Break(())
        }
    })?;
    wrong.map_or(Ok(all), Err)
}

/// The JSON value of a record that starts in this line and column (both from 1).
pub(crate) fn parse_value(
    path: &Path,
    line: usize,
    column: usize,
    text: &[u8],
) -> Result<Value, DatasetError> {
    serde_json::from_slice(text).map_err(|error| json_error(path, line, column, &error))
}

/// Where serde stumbled, in lines and columns of the file.
pub(crate) fn json_error(
    path: &Path,
    line: usize,
    column: usize,
    error: &serde_json::Error,
) -> DatasetError {
    let first = error.line() <= 1;
    let reason = error.to_string();
    DatasetError::Json {
        path: path.to_owned(),
        line: line + error.line().saturating_sub(1),
        column: error.column() + if first { column.saturating_sub(1) } else { 0 },
        // serde's own place is that within the record.
        reason: match reason.rsplit_once(" at line ") {
            Some((reason, _)) => reason.to_owned(),
            None => reason,
        },
    }
}

#[cfg(test)]
mod tests;
