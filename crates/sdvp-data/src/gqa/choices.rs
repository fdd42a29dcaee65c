//! The answers that a question allows.

use crate::DatasetError;
use crate::records::Fields;
use crate::stream::{Entries, Next, parse_value};
use std::path::Path;

/// A record of `train_choices.json` or `val_choices.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// The question.
    pub question: String,
    /// Answers that answer it at all, such as the colours.
    pub valid: Vec<String>,
    /// Answers that make sense, such as the colours that an apple has.
    pub plausible: Vec<String>,
}

/// Hands out the records of a file of choices one by one, until told to stop: an object from question
/// id to an object with the lists `valid` and `plausible`.
///
/// # Errors
/// If the file cannot be read or is not JSON.
pub fn each_choices(
    path: &Path,
    mut each: impl FnMut(Result<Choices, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    let mut entries = Entries::open(path, "an object from question id to choices")?;
    while let Some(entry) = entries.next()? {
        let record = entry.name("record");
        let choices = parse_value(path, entry.line, entry.column, entry.text).and_then(|value| {
            let fields = Fields::of(path, &record, &value)?;
            Ok(Choices {
                question: match &entry.key {
                    Some(key) => key.clone(),
                    None => fields
                        .optional_identifier("questionId")?
                        .ok_or_else(|| fields.wrong("questionId", "an identifier"))?,
                },
                valid: fields.texts("valid")?,
                plausible: fields.texts("plausible")?,
            })
        });
        if each(choices).is_break() {
            break;
        }
    }
    Ok(())
}
