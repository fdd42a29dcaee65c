//! Files of programs: one `{"id", "query", "program"}` a line.

use crate::DatasetError;
use crate::records::{Fields, read_json_lines};
use serde_json::json;
use std::path::Path;

/// Reads a file of programs: id and program of each line.
///
/// # Errors
/// If the file cannot be read, a line is not JSON, or lacks its id or program.
pub fn read_programs(path: &Path) -> Result<Vec<(String, String)>, DatasetError> {
    read_json_lines(path)?
        .iter()
        .map(|(line, value)| {
            let record = format!("line {line}");
            let fields = Fields::of(path, &record, value)?;
            let id = fields
                .optional_identifier("id")?
                .ok_or_else(|| fields.wrong("id", "an identifier"))?;
            Ok((id, fields.text("program")?))
        })
        .collect()
}

/// Writes a file of programs from their id, question and text.
///
/// # Errors
/// If the file cannot be written.
pub fn write_programs<'a>(
    path: &Path,
    programs: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Result<(), DatasetError> {
    let mut lines = String::new();
    for (id, query, program) in programs {
        lines.push_str(&json!({"id": id, "query": query, "program": program}).to_string());
        lines.push('\n');
    }
    std::fs::write(path, lines).map_err(|source| DatasetError::write(path, source))
}
