//! NLVR2's files: statements about pairs of pictures, one JSON record a line.
//!
//! Layout of the published set (Suhr et al. 2019): an `identifier` is `split-set-pair-sentence`, and
//! the pair's pictures are `split-set-pair-img0.png` (left) and `split-set-pair-img1.png` (right).

use crate::DatasetError;
use crate::records::{Fields, read_json_lines};
use serde_json::{Value, json};
use std::path::Path;

/// A statement about a pair of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nlvr2Statement {
    /// `split-set-pair-sentence`.
    pub identifier: String,
    /// The statement.
    pub sentence: String,
    /// Whether it is true of its pair; none in splits whose labels are kept back.
    pub label: Option<bool>,
}

impl Nlvr2Statement {
    /// File names of the left and the right picture: the identifier without its last part.
    pub fn image_files(&self) -> [String; 2] {
        let pair = self
            .identifier
            .rsplit_once('-')
            .map_or(self.identifier.as_str(), |(pair, _)| pair);
        [0, 1].map(|n| format!("{pair}-img{n}.png"))
    }
}

/// Reads a file of statements, one a line; other fields are passed over.
///
/// # Errors
/// If the file cannot be read, a line is not JSON, or a record lacks a field.
pub fn read_statements(path: &Path) -> Result<Vec<Nlvr2Statement>, DatasetError> {
    read_json_lines(path)?
        .iter()
        .map(|(line, value)| {
            let record = format!("line {line}");
            let fields = Fields::of(path, &record, value)?;
            let identifier = fields.text("identifier")?;
            fields.file_stem("identifier", &identifier)?;
            if !identifier.contains('-') {
                return Err(fields.wrong("identifier", "split-set-pair-sentence"));
            }
            let label = match fields.get("label") {
                None => None,
                Some(Value::Bool(label)) => Some(*label),
                Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Some(true),
                Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Some(false),
                Some(_) => return Err(fields.wrong("label", "\"True\" or \"False\"")),
            };
            Ok(Nlvr2Statement {
                identifier,
                sentence: fields.text("sentence")?,
                label,
            })
        })
        .collect()
}

/// Writes statements, one a line.
///
/// # Errors
/// If the file cannot be written.
pub fn write_statements(path: &Path, statements: &[Nlvr2Statement]) -> Result<(), DatasetError> {
    let mut lines = String::new();
    for statement in statements {
        let mut record = json!({
            "identifier": statement.identifier,
            "sentence": statement.sentence,
        });
        if let Some(label) = statement.label {
            record["label"] = json!(if label { "True" } else { "False" });
        }
        lines.push_str(&record.to_string());
        lines.push('\n');
    }
    std::fs::write(path, lines).map_err(|source| DatasetError::write(path, source))
}

#[cfg(test)]
mod tests;
