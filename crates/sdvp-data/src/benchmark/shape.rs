//! What a file holds, by its first record.

use super::Layout;
use crate::DatasetError;
use crate::stream::{Bounds, Entries, Lines, json_error};
use crate::table::{is_only_a_table, is_table};
use sdvp_core::admit_json;
use serde_json::Value;
use std::path::Path;

/// What a file holds.
#[derive(Debug)]
pub(super) enum Shape {
    Questions(Layout),
    Graphs,
    Choices,
    Attentions,
    Programs,
    /// Nothing known.
    Other,
    /// Something whose first record cannot be read.
    Broken(DatasetError),
}

/// What the first line of a file is.
enum First {
    /// A whole value.
    Value(Value),
    /// Too long to be looked at.
    Long,
    /// The beginning of a value that goes on.
    Begun(DatasetError),
    /// No JSON.
    Wrong(DatasetError),
}

/// Looks at the first record of a file.
pub(super) fn shape_of(path: &Path) -> Result<Shape, DatasetError> {
    if is_only_a_table(path) {
        return Ok(Shape::Questions(Layout::Table));
    }
    let mut lines = Lines::open(path)?;
    let first = match lines.next() {
        Ok(Some(line)) => match foreign(line.text) {
            Some(found) => return Ok(Shape::Broken(no_records(path, found))),
            None => first_line(path, line.number, line.text),
        },
        Ok(None) => return Ok(Shape::Broken(no_records(path, "an empty file"))),
        // A gigabyte in one line is an object of records, unless records are lines by the file's name.
        Err(DatasetError::Limit { .. }) if !is_table(path) => First::Long,
        Err(error) => return Err(error),
    };
    // A whole record in the first line: one record a line, unless it is an object of records.
    if let First::Value(record) = &first
        && let Some(shape) = line_shape(path, record)
    {
        return Ok(shape);
    }
    Ok(match (first_entry(path)?, first) {
        (Ok(Some(shape)), _) => shape,
        (_, First::Value(_)) | (Ok(None), First::Long) => Shape::Other,
        (_, First::Wrong(error)) => Shape::Broken(error),
        (_, First::Begun(error)) if is_table(path) => Shape::Broken(error),
        (Err(error), _) => Shape::Broken(error),
        // What is unknown may be a first line that was cut off: then what follows does not go on with it.
        (Ok(None), First::Begun(_)) => match to_its_end(path) {
            Ok(()) => Shape::Other,
            Err(error) => Shape::Broken(error),
        },
    })
}

fn no_records(path: &Path, found: &str) -> DatasetError {
    DatasetError::Layout {
        path: path.to_owned(),
        expected: "records in JSON, in UTF-8",
        found: found.to_owned(),
    }
}

/// What else than text in UTF-8 starts like this.
fn foreign(text: &[u8]) -> Option<&'static str> {
    match text {
        [0x1f, 0x8b, ..] => Some("what gzip compressed"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("what zstd compressed"),
        [b'P', b'K', 3, 4, ..] => Some("a ZIP archive"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] => Some("text in UTF-16"),
        _ => None,
    }
}

fn first_line(path: &Path, number: usize, text: &[u8]) -> First {
    if let Err(exceeded) = admit_json(text) {
        let record = format!("line {number}");
        return First::Wrong(DatasetError::beyond(path, &record)(exceeded));
    }
    match serde_json::from_slice(text) {
        Ok(value) => First::Value(value),
        Err(error) => {
            let found = json_error(path, number, 1, &error);
            match error.is_eof() {
                true => First::Begun(found),
                false => First::Wrong(found),
            }
        }
    }
}

/// The shape of the first record of an object or a list, if it is known; or what is wrong with it.
fn first_entry(path: &Path) -> Result<Result<Option<Shape>, DatasetError>, DatasetError> {
    let file = std::fs::File::open(path).map_err(|source| DatasetError::read(path, source))?;
    let mut entries = match Entries::new(path, file, "records", Bounds::default()) {
        Ok(entries) => entries,
        Err(error) => return Ok(Err(error)),
    };
    Ok(match entries.next() {
        Ok(Some(entry)) => match serde_json::from_slice(entry.text) {
            Ok(record) => Ok(record_shape(&record)),
            Err(error) => Err(json_error(path, entry.line, entry.column, &error)),
        },
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    })
}

/// Goes through an object or a list without reading what is in it.
fn to_its_end(path: &Path) -> Result<(), DatasetError> {
    let mut entries = Entries::open(path, "records")?;
    while entries.next()?.is_some() {}
    Ok(())
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

/// The shape of a record of an object or a list, if it is known.
fn record_shape(record: &Value) -> Option<Shape> {
    let has = |field: &str| record.get(field).is_some();
    if has("question") && (has("imageId") || has("semantic")) {
        Some(Shape::Questions(Layout::Gqa))
    } else if has("objects") {
        Some(Shape::Graphs)
    } else if has("valid") || has("plausible") {
        Some(Shape::Choices)
    } else if has("attention") {
        Some(Shape::Attentions)
    } else {
        None
    }
}
