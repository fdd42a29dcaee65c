//! What a file holds, by its first record.

use super::Layout;
use crate::DatasetError;
use crate::stream::{Bounds, Entries, Lines};
use crate::table::{is_only_a_table, is_table};
use serde_json::Value;
use std::path::Path;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Questions(Layout),
    Graphs,
    Choices,
    Attentions,
    Programs,
    /// Nothing known.
    Other,
}

/// Looks at the first record of a file.
pub(super) fn shape_of(path: &Path) -> Result<Shape, DatasetError> {
    if is_only_a_table(path) {
        return Ok(Shape::Questions(Layout::Table));
    }
    // A whole record in the first line: one record a line, unless it is an object of records.
    let mut lines = Lines::open(path)?;
    let first = match lines.next() {
        Ok(Some(line)) => serde_json::from_slice::<Value>(line.text).ok(),
        Ok(None) => return Ok(Shape::Other),
        // A gigabyte in one line is an object of records, unless records are lines by the file's name.
        Err(DatasetError::Limit { .. }) if !is_table(path) => None,
        Err(error) => return Err(error),
    };
    if let Some(shape) = first.as_ref().and_then(|record| line_shape(path, record)) {
        return Ok(shape);
    }
    let file = std::fs::File::open(path).map_err(|source| DatasetError::read(path, source))?;
    let Ok(mut entries) = Entries::new(path, file, "records", Bounds::default()) else {
        return Ok(Shape::Other);
    };
    Ok(match entries.next() {
        Ok(Some(entry)) => serde_json::from_slice(entry.text)
            .ok()
            .map_or(Shape::Other, |record: Value| record_shape(&record)),
        _ => Shape::Other,
    })
}

/// The shape of one record a line.
fn line_shape(path: &Path, record: &Value) -> Option<Shape> {
    let is_text = |field: &str| record.get(field).is_some_and(Value::is_string);
    if is_text("program") || is_text("code") {
        return Some(Shape::Programs);
    }
    if is_text("sentence") {
        let parts = |field: &str| Some(record.get(field)?.as_str()?.split('-').count());
        let has = |field: &str| record.get(field).is_some();
        return match (parts("identifier"), parts("image")) {
            _ if has("structured_rep") => Some(Shape::Questions(Layout::Nlvr)),
            (Some(4), _) => Some(Shape::Questions(Layout::Nlvr2)),
            (Some(2), _) => Some(Shape::Questions(Layout::Nlvr)),
            (None, Some(4)) => Some(Shape::Questions(Layout::Nlvr)),
            (Some(_), None) => Some(Shape::Questions(Layout::Nlvr2)),
            _ => Some(Shape::Questions(Layout::Table)),
        };
    }
    let objects = record.as_object()?.values().all(Value::is_object);
    let words = ["question", "query", "statement"]
        .iter()
        .any(|field| is_text(field));
    let table = words || (is_table(path) && !objects);
    table.then_some(Shape::Questions(Layout::Table))
}

/// The shape of a record of an object or a list.
fn record_shape(record: &Value) -> Shape {
    let has = |field: &str| record.get(field).is_some();
    if has("question") && (has("imageId") || has("semantic")) {
        Shape::Questions(Layout::Gqa)
    } else if has("objects") {
        Shape::Graphs
    } else if has("valid") || has("plausible") {
        Shape::Choices
    } else if has("attention") {
        Shape::Attentions
    } else {
        Shape::Other
    }
}
