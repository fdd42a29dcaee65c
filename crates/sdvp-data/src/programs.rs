//! Files of programs: one `{"id", "query", "program"}` a line.

use crate::DatasetError;
use crate::records::{Fields, each_json_line};
use crate::stream::collect;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;

/// One line of a file of programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramLine {
    /// The question's id (`id`, `question_id`), where it is given.
    pub id: Option<String>,
    /// The question or statement (`query`, `question`, `sentence`), where it is given.
    pub query: Option<String>,
    /// The program (`program`, `code`).
    pub program: String,
}

/// The programs of questions, found by id, or by the question's words where they have none.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    by_id: HashMap<String, String>,
    by_query: HashMap<String, String>,
}

impl Programs {
    /// Reads a file of programs.
    ///
    /// # Errors
    /// If the file cannot be read, a line is not JSON, or lacks its program or what it is for.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let mut programs = Self::default();
        for line in read_programs(path)? {
            match (line.id, line.query) {
                (Some(id), _) => programs.by_id.insert(id, line.program),
                (None, Some(query)) => programs.by_query.insert(query, line.program),
                (None, None) => None,
            };
        }
        Ok(programs)
    }

    /// The program of a question: the one with its id, or the one of its words.
    pub fn of(&self, id: &str, question: &str) -> Option<&str> {
        let found = self.by_id.get(id).or_else(|| self.by_query.get(question));
        found.map(String::as_str)
    }
}

/// Reads a file of programs, one JSON record a line.
///
/// # Errors
/// If the file cannot be read, a line is not JSON, or lacks its program or what it is for.
pub fn read_programs(path: &Path) -> Result<Vec<ProgramLine>, DatasetError> {
    collect(|each| {
        each_json_line(path, |line, value| {
            each(value.and_then(|value| read_program(path, line, &value)))
        })
    })
}

fn read_program(path: &Path, line: usize, value: &Value) -> Result<ProgramLine, DatasetError> {
    let record = format!("line {line}");
    let fields = Fields::of(path, &record, value)?;
    let id = fields.first(&["id", "question_id"], Fields::optional_identifier)?;
    let query = fields.first(&["query", "question", "sentence"], Fields::optional_text)?;
    if id.is_none() && query.is_none() {
        return Err(fields.wrong("id", "an identifier, or the question in query"));
    }
    let program = fields.first(&["program", "code"], Fields::optional_text)?;
    Ok(ProgramLine {
        id,
        query,
        program: program.ok_or_else(|| fields.wrong("program", "text"))?,
    })
}

/// Writes a file of programs from their id, question and text.
///
/// # Errors
/// If the file cannot be written.
pub fn write_programs<'a>(
    path: &Path,
    programs: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Result<(), DatasetError> {
    let mut lines = String::new();
    for (id, query, program) in programs {
        lines.push_str(&json!({"id": id, "query": query, "program": program}).to_string());
        lines.push('\n');
    }
    std::fs::write(path, lines).map_err(|source| DatasetError::write(path, source))
}
