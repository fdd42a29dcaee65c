//! A parsed program.

use super::check::check as check_statements;
use super::error::{ProgramError, ProgramErrors};
use super::execution::VisProgExecution;
use super::parse::{Statement, statement};
use super::settings::VisProgSettings;
use crate::{Execution, Inputs, Program};
use std::fmt;
use std::sync::Arc;

/// A VisProg program that can be run.
pub struct VisProgProgram {
    source: String,
    statements: Arc<[Statement]>,
    settings: Arc<VisProgSettings>,
}

impl VisProgProgram {
    /// Reads and checks a program.
    ///
    /// # Errors
    /// All its faults: lines that cannot be read, or else undefined variables, values of the wrong
    /// type, unreadable expressions, a missing `RESULT`.
    pub fn parse(source: &str, settings: &VisProgSettings) -> Result<Self, ProgramErrors> {
        let (statements, mut errors) = read(source, settings);
        if errors.is_empty() {
            errors = check_statements(&statements, settings);
        }
        if !errors.is_empty() {
            return Err(ProgramErrors(errors));
        }
        Ok(Self {
            source: source.to_owned(),
            statements: statements.into(),
            settings: Arc::new(settings.clone()),
        })
    }
}

/// All faults of a program; none if it can be run.
pub fn check(source: &str, settings: &VisProgSettings) -> Vec<ProgramError> {
    VisProgProgram::parse(source, settings).err().map_or(Vec::new(), |errors| errors.0)
}

fn read(source: &str, settings: &VisProgSettings) -> (Vec<Statement>, Vec<ProgramError>) {
    let (mut statements, mut errors) = (Vec::new(), Vec::new());
    for (index, text) in source.lines().enumerate() {
        let line = index + 1;
        if line > settings.max_lines {
            let total = source.lines().count();
            let message = format!("expected at most {} lines, found {total} (setting max_lines)", settings.max_lines);
            return (statements, vec![ProgramError::new(line, 0, message)]);
        }
        let length = text.chars().count();
        if length > settings.max_line_length {
            let message = format!("expected at most {} characters in a line, found {length} (setting max_line_length)", settings.max_line_length);
            errors.push(ProgramError::new(line, 0, message));
            continue;
        }
        match statement(text, line) {
            None => {}
            Some(Ok(read)) => statements.push(read),
            Some(Err(error)) => errors.push(error),
        }
    }
    if statements.is_empty() && errors.is_empty() {
        errors.push(ProgramError::new(0, 0, "expected a program, found no step"));
    }
    (statements, errors)
}

impl Program for VisProgProgram {
    fn start(&self, inputs: &Inputs) -> Box<dyn Execution> {
        Box::new(VisProgExecution::new(Arc::clone(&self.statements), Arc::clone(&self.settings), inputs))
    }

    fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Display for VisProgProgram {
    /// The program as the dialect writes it, without comments and blanks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.statements.iter().try_for_each(|s| writeln!(f, "{}={}", s.variable, s.call))
    }
}
