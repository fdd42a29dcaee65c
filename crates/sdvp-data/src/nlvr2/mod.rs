//! NLVR2's files: statements about pairs of pictures, one JSON record a line.
//!
//! Layout of the published set (Suhr et al. 2019): an `identifier` is `split-set-pair-sentence`, and
//! the pair's pictures are `split-set-pair-img0.png` (left) and `split-set-pair-img1.png` (right).

use crate::DatasetError;
use crate::records::{Fields, each_json_line};
use crate::stream::{Next, collect};
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
    /// The folder of a training pair's pictures, below `images/train`.
    pub directory: Option<String>,
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
    collect(|each| each_statement(path, each))
}

/// Hands out the statements of a file one by one, until told to stop. A record that is wrong is handed
/// out as what is wrong with it.
///
/// # Errors
/// If the file cannot be read.
pub fn each_statement(
    path: &Path,
    mut each: impl FnMut(Result<Nlvr2Statement, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    each_json_line(path, |line, value| {
        each(value.and_then(|value| read_statement(path, line, &value)))
    })
}

fn read_statement(path: &Path, line: usize, value: &Value) -> Result<Nlvr2Statement, DatasetError> {
    let record = format!("line {line}");
    let fields = Fields::of(path, &record, value)?;
    let identifier = fields.text("identifier")?;
    fields.file_stem("identifier", &identifier)?;
    if !identifier.contains('-') {
        return Err(fields.wrong("identifier", "split-set-pair-sentence"));
    }
    let directory = fields.optional_identifier("directory")?;
    if let Some(directory) = &directory {
        fields.file_stem("directory", directory)?;
    }
    Ok(Nlvr2Statement {
        identifier,
        sentence: fields.text("sentence")?,
        label: fields.optional_label("label")?,
        directory,
    })
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
        if let Some(directory) = &statement.directory {
            record["directory"] = json!(directory);
        }
        lines.push_str(&record.to_string());
        lines.push('\n');
    }
    std::fs::write(path, lines).map_err(|source| DatasetError::write(path, source))
}

#[cfg(test)]
mod tests;
