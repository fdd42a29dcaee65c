//! Where a model looked: the attention maps that GQA's grounding is computed from.

use crate::DatasetError;
use crate::records::Fields;
use crate::stream::{Entries, Next, parse_value};
use std::path::Path;

/// A record of `{tier}_attentions.json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attention {
    /// The question.
    pub question: String,
    /// The share of attention that each cell of a square grid got: `map[column][row]`.
    pub map: Vec<Vec<f64>>,
}

/// Hands out attention maps one by one, until told to stop: a list of records with `questionId` and
/// `attention`, a square grid of numbers. Attention to objects is not read: the official script
/// cannot score it either.
///
/// # Errors
/// If the file cannot be read or is not JSON.
pub fn each_attention(
    path: &Path,
    mut each: impl FnMut(Result<Attention, DatasetError>) -> Next,
) -> Result<(), DatasetError> {
    const GRID: &str = "a square grid of numbers, a list a column";
    let mut entries = Entries::open(path, "a list of attention maps")?;
    while let Some(entry) = entries.next()? {
        let record = entry.name("record");
        let attention = parse_value(path, entry.line, entry.column, entry.text).and_then(|value| {
            let fields = Fields::of(path, &record, &value)?;
            let map: Vec<Vec<f64>> = fields
                .read("attention", GRID)?
                .ok_or_else(|| fields.wrong("attention", GRID))?;
            if map.is_empty() || map.iter().any(|column| column.len() != map.len()) {
                return Err(fields.wrong("attention", GRID));
            }
            Ok(Attention {
                question: fields
                    .optional_identifier("questionId")?
                    .ok_or_else(|| fields.wrong("questionId", "an identifier"))?,
                map,
            })
        });
        if each(attention).is_break() {
            break;
        }
    }
    Ok(())
}
