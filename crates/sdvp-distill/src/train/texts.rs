//! The distinct texts of a batch.

use std::collections::HashMap;

/// Distinct texts, each with a row of its own.
#[derive(Default)]
pub(super) struct TextList {
    rows: HashMap<String, u32>,
    texts: Vec<String>,
}

impl TextList {
    /// The row of a text, a new one if need be.
    pub(super) fn row(&mut self, text: &str) -> u32 {
        if let Some(&row) = self.rows.get(text) {
            return row;
        }
        let row = self.texts.len() as u32;
        self.rows.insert(text.to_owned(), row);
        self.texts.push(text.to_owned());
        row
    }

    /// All texts, by row.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }
}
