//! JSON records whose errors say in which file, record and field they are.

use crate::DatasetError;
use crate::stream::{Lines, Next, parse_value};
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_core::{admit_json, read_text_within};
use serde_json::{Map, Value};
use std::path::Path;

/// One record of a file.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) path: &'a Path,
    /// How to name the record to people: `line 3`, `record 05515938`.
    pub(crate) record: &'a str,
    pub(crate) values: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The fields of a record that should be an object.
    pub(crate) fn of(
        path: &'a Path,
        record: &'a str,
        value: &'a Value,
    ) -> Result<Self, DatasetError> {
        match value {
            Value::Object(values) => Ok(Self {
                path,
                record,
                values,
            }),
            other => Err(DatasetError::Field {
                path: path.to_owned(),
                record: record.to_owned(),
                field: "(whole record)".to_owned(),
                expected: "an object",
                found: brief(other),
            }),
        }
    }

    pub(crate) fn wrong(&self, field: &str, expected: &'static str) -> DatasetError {
        DatasetError::Field {
            path: self.path.to_owned(),
            record: self.record.to_owned(),
            field: field.to_owned(),
            expected,
            found: self
                .values
                .get(field)
                .map_or_else(|| "nothing".to_owned(), brief),
        }
    }

    /// The field, unless it is absent or null.
    pub(crate) fn get(&self, field: &str) -> Option<&'a Value> {
        self.values.get(field).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, field: &str) -> Result<String, DatasetError> {
        self.optional_text(field)?
            .ok_or_else(|| self.wrong(field, "text"))
    }

    pub(crate) fn optional_text(&self, field: &str) -> Result<Option<String>, DatasetError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(field, "text")),
        }
    }

    /// Text, or a whole number written out: identifiers come as either.
    pub(crate) fn optional_identifier(&self, field: &str) -> Result<Option<String>, DatasetError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) if number.is_u64() => Ok(Some(number.to_string())),
            Some(_) => Err(self.wrong(field, "an identifier")),
        }
    }

    pub(crate) fn optional_bool(&self, field: &str) -> Result<Option<bool>, DatasetError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(*truth)),
            Some(_) => Err(self.wrong(field, "true or false")),
        }
    }

    /// The first of several fields that is there.
    pub(crate) fn first<T>(
        &self,
        fields: &[&str],
        read: impl Fn(&Self, &str) -> Result<Option<T>, DatasetError>,
    ) -> Result<Option<T>, DatasetError> {
        fields
            .iter()
            .find_map(|field| read(self, field).transpose())
            .transpose()
    }

    /// Whether something is true, as statements are labelled: true, `"True"`, `"true"` …
    pub(crate) fn optional_label(&self, field: &str) -> Result<Option<bool>, DatasetError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Bool(label)) => Ok(Some(*label)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(self.wrong(field, "\"True\" or \"False\"")),
        }
    }

    pub(crate) fn number(&self, field: &str) -> Result<f64, DatasetError> {
        self.get(field)
            .and_then(Value::as_f64)
            .ok_or_else(|| self.wrong(field, "a number"))
    }

    pub(crate) fn texts(&self, field: &str) -> Result<Vec<String>, DatasetError> {
        let wrong = || self.wrong(field, "a list of texts");
        match self.get(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// A field that serde reads.
    pub(crate) fn read<T: serde::de::DeserializeOwned>(
        &self,
        field: &str,
        expected: &'static str,
    ) -> Result<Option<T>, DatasetError> {
        match self.get(field) {
            None => Ok(None),
            Some(value) => T::deserialize(value)
                .map(Some)
                .map_err(|_| self.wrong(field, expected)),
        }
    }

    /// A field that names a file: one component of a path, so that no record reaches out of its
    /// folder.
    pub(crate) fn file_stem(&self, field: &str, text: &str) -> Result<(), DatasetError> {
        if is_file_stem(text) {
            Ok(())
        } else {
            Err(self.wrong(field, "a name without path separators"))
        }
    }
}

/// Whether a text is one component of a path.
pub(crate) fn is_file_stem(text: &str) -> bool {
    !(text.is_empty() || text.contains(['/', '\\', '\0']) || text == "." || text == "..")
}

fn read_text(path: &Path) -> Result<String, DatasetError> {
    read_text_within(path, &SETTINGS_FILE).map_err(|source| DatasetError::read(path, source))
}

/// A whole file of JSON, for small ones.
pub(crate) fn read_json(path: &Path) -> Result<Value, DatasetError> {
    let text = read_text(path)?;
    admit_json(text.as_bytes()).map_err(DatasetError::beyond(path, "the whole file"))?;
    parse_value(path, 1, 1, text.as_bytes())
}

/// Hands out the values of a file with one JSON value a line, with their line, from 1; empty lines
/// are passed over. A line that is not JSON is handed out as what is wrong with it.
pub(crate) fn each_json_line(
    path: &Path,
    mut each: impl FnMut(usize, Result<Value, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next()? {
        let value = admit_json(line.text)
            .map_err(DatasetError::beyond(path, &format!("line {}", line.number)))
            .and_then(|()| parse_value(path, line.number, 1, line.text));
        if each(line.number, value).is_break() {
            break;
        }
    }
    Ok(())
}

/// A value for an error: short.
pub(crate) fn brief(value: &Value) -> String {
    const LONGEST: usize = 60;
    match value {
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(fields) => format!("an object of {} fields", fields.len()),
        other => {
            let text = other.to_string();
            match text.char_indices().nth(LONGEST) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        }
    }
}
