//! VisProg: programs of one `VARIABLE=STEP(argument=value, …)` a line.
//!
//! `DIALECT.md` in this folder specifies the dialect, with examples that the tests run.

mod execute;
mod expression;
mod geometry;
mod lines;
pub mod prefix;
mod program;
mod quoted;
mod resolve;
mod scan;
mod scope;
mod settings;
mod steps;
mod syntax;

pub use settings::VisProgSettings;

use crate::{Execution, Inputs, Program, ProgramError, ProgramErrors};
use execute::VisProgExecution;
use program::Line;
use std::fmt;
use std::sync::Arc;

/// A VisProg program that passed every check.
///
/// Cheap to clone; each run shares the parsed lines. Its [`Display`](fmt::Display) form is the
/// program in plain spelling, without comments and fences; it parses to the same steps.
#[derive(Clone, Debug)]
pub struct VisProgProgram(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
    source: String,
    lines: Vec<Line>,
    settings: VisProgSettings,
}

impl VisProgProgram {
    /// Reads a program as a language model wrote it, and checks everything that can be known
    /// without images: form, steps, arguments, variables and their types, expressions.
    ///
    /// # Errors
    /// All faults, each with its line and column.
    pub fn parse(source: &str, settings: &VisProgSettings) -> Result<Self, ProgramErrors> {
        let lines = resolve::resolve(source, settings).map_err(ProgramErrors)?;
        Ok(Self(Arc::new(Parsed {
            source: source.to_owned(),
            lines,
            settings: settings.clone(),
        })))
    }

    /// Number of steps, `RESULT` included.
    pub fn steps(&self) -> usize {
        self.0.lines.len()
    }
}

/// The faults of a program; none if [`VisProgProgram::parse`] accepts it.
pub fn check(source: &str, settings: &VisProgSettings) -> Vec<ProgramError> {
    match resolve::resolve(source, settings) {
        Ok(_) => Vec::new(),
        Err(errors) => errors,
    }
}

impl Program for VisProgProgram {
    fn start(&self, inputs: &Inputs) -> Box<dyn Execution> {
        Box::new(VisProgExecution::new(Arc::clone(&self.0), inputs))
    }

    fn source(&self) -> &str {
        &self.0.source
    }
}

impl fmt::Display for VisProgProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.lines.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
