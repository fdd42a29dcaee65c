//! What is wrong with a program's text, and where.

use serde::Serialize;
use std::fmt;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProgramError {
    /// Line, from 1; 0 if it is about the whole program.
    pub line: usize,
    /// Column in characters, from 1; 0 if it is about the whole line.
    pub column: usize,
    /// What was expected and what was found.
    pub message: String,
}

impl ProgramError {
    pub(crate) fn new(line: usize, column: usize, message: impl Into<String>) -> Self {
        Self { line, column, message: message.into() }
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => f.write_str(&self.message),
            (line, 0) => write!(f, "line {line}: {}", self.message),
            (line, column) => write!(f, "line {line}, column {column}: {}", self.message),
        }
    }
}

/// All faults of a program; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ProgramErrors(pub Vec<ProgramError>);

impl fmt::Display for ProgramErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ProgramError::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
