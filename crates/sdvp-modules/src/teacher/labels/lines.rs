//! Records in JSON lines.

use super::error::{LabelError, Place, Result};
use super::record::Record;
use crate::limits::LABEL_LINE;
use sdvp_core::admit_json;
use std::path::Path;

/// Hands over every record of a file's text; lines without anything are passed over.
///
/// # Errors
/// If a line is no record, or too long.
pub(super) fn read(
    file: &Path,
    bytes: &[u8],
    mut each: impl FnMut(Place, Record) -> Result<()>,
) -> Result<()> {
    // As some editors begin a text.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        each(Place::Line(index + 1), record(file, index + 1, line)?)?;
    }
    Ok(())
}

fn record(file: &Path, line: usize, text: &[u8]) -> Result<Record> {
    let wrong = |column: usize, reason: String| LabelError::Json {
        file: file.to_owned(),
        line,
        column,
        reason,
    };
    LABEL_LINE
        .admit(text.len() as u64)
        .and_then(|()| admit_json(text))
        .map_err(LabelError::beyond(file, format!("line {line}")))?;
    if !text.trim_ascii_start().starts_with(b"{") {
        let start: String = String::from_utf8_lossy(text).chars().take(20).collect();
        let reason = format!("expected one JSON object a line, found {start:?}");
        return Err(wrong(1, reason));
    }
    serde_json::from_slice(text).map_err(|error| {
        let said = error.to_string();
        // The line is told already, and it is not the first of the file.
        let said = said.split(" at line ").next().unwrap_or(&said);
        let unspeakable = ["NaN", "Infinity"].into_iter().find(|word| {
            let mut windows = text.windows(word.len());
            error.is_syntax() && windows.any(|window| window == word.as_bytes())
        });
        let reason = match unspeakable {
            Some(word) => format!("{said} ({word} is no number in JSON)"),
            None => said.to_owned(),
        };
        wrong(error.column(), reason)
    })
}
