//! A user's own questions in a table: a CSV file with a line of column names, one JSON record a line,
//! or a Parquet file. Other kinds of tables are another file here that hands out [`Row`]s.

mod columns;
mod csv;
mod json_lines;
mod parquet;
mod record;

pub use columns::Columns;

use crate::DatasetError;
use crate::stream::Next;
use std::path::{Component, Path};

/// A question of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its id; the number of its row, from 1, where there is no such column.
    pub id: String,
    /// Its pictures, by their paths below the folder of the table: one to three.
    pub images: Vec<String>,
    /// The question or statement.
    pub question: String,
    /// The answer; none where the cell is empty.
    pub answer: Option<String>,
    /// What kind of question it is; empty where there is no such column.
    pub kind: String,
}

/// Whether a file is a table by its name.
pub fn is_table(path: &Path) -> bool {
    matches!(
        extension(path).as_str(),
        "csv" | "tsv" | "jsonl" | "ndjson" | "parquet"
    )
}

/// Whether a file is a table by its name, whatever its first record holds.
pub(crate) fn is_only_a_table(path: &Path) -> bool {
    matches!(extension(path).as_str(), "csv" | "tsv" | "parquet")
}

pub(crate) fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

/// Hands out the rows of a table one by one, until told to stop. A row that is wrong is handed out as
/// what is wrong with it.
///
/// # Errors
/// If the file cannot be read, is of another kind, or lacks a column.
pub fn each_row(
    path: &Path,
    columns: &Columns,
    each: impl FnMut(Result<Row, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    match extension(path).as_str() {
        "csv" => csv::each_row(path, b',', columns, each),
        "tsv" => csv::each_row(path, b'\t', columns, each),
        "jsonl" | "ndjson" | "json" => json_lines::each_row(path, columns, each),
        "parquet" => parquet::each_row(path, columns, each),
        other => Err(DatasetError::Layout {
            path: path.to_owned(),
            expected: "a table: .csv, .tsv, .parquet, or one JSON record a line in .jsonl",
            found: format!(".{other}"),
        }),
    }
}

/// Most pictures of a question: programs know `IMAGE`, or `LEFT`, `MIDDLE` and `RIGHT`.
const MOST_IMAGES: usize = 3;

/// Whether a path stays below the folder it is relative to.
fn stays_below(path: &str) -> bool {
    let mut components = Path::new(path).components();
    !path.is_empty()
        && !path.contains('\0')
        && components.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests;
