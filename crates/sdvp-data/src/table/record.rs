//! Rows whose columns have names of their own: records of JSON lines and of Parquet files.

use super::columns::Found;
use super::{Columns, MOST_IMAGES, Row, stays_below};
use crate::DatasetError;
use crate::records::Fields;
use serde_json::Value;
use std::path::Path;

/// The question of a record; `line` says where it is, `number` is its id if it has none.
pub(super) fn read_row(
    path: &Path,
    line: usize,
    number: usize,
    columns: &Columns,
    value: &Value,
) -> Result<Row, DatasetError> {
    let record = format!("line {line}");
    let fields = Fields::of(path, &record, value)?;
    // Records may leave fields out, so each is looked at by itself.
    let there: Vec<&str> = fields.values.keys().map(String::as_str).collect();
    // Pictures may be one field with a list.
    let listed = ["images", "image"]
        .into_iter()
        .find(|name| columns.images.is_empty() && fields.get(name).is_some_and(Value::is_array));
    let columns = match listed {
        Some(name) => Columns {
            images: vec![name.to_owned()],
            ..columns.clone()
        },
        None => columns.clone(),
    };
    let found = columns.find(&there).map_err(|reason| DatasetError::Table {
        path: path.to_owned(),
        line: line as u64,
        reason,
    })?;
    let scalar = |name: &Option<String>| match name {
        None => Ok(None),
        Some(name) => match fields.get(name) {
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(truth)) => Ok(Some(if *truth { "True" } else { "False" }.to_owned())),
            _ => fields.optional_text(name),
        },
    };
    Ok(Row {
        id: scalar(&found.id)?.unwrap_or_else(|| number.to_string()),
        images: images(&fields, &found)?,
        question: fields.text(&found.question)?,
        answer: scalar(&found.answer)?,
        kind: scalar(&found.kind)?.unwrap_or_default(),
    })
}

fn images(fields: &Fields<'_>, found: &Found) -> Result<Vec<String>, DatasetError> {
    const EXPECTED: &str = "one to three paths of pictures below the folder of the table";
    let mut images = Vec::new();
    for name in &found.images {
        let wrong = || fields.wrong(name, EXPECTED);
        let values = match fields.get(name) {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        if values.is_empty() {
            return Err(wrong());
        }
        for value in values {
            let image = value.as_str().filter(|image| stays_below(image));
            images.push(image.ok_or_else(wrong)?.to_owned());
        }
        if images.len() > MOST_IMAGES {
            return Err(wrong());
        }
    }
    Ok(images)
}
