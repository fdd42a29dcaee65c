//! What went wrong in a run, in the lines of the program as it was written.

use super::rewrite::without_lines;
use super::{Parsed, ViperSettings};
use crate::RunError;
use crate::limits;
use monty_types::{ExcType, MontyException};
use std::fmt::Write as _;

impl Parsed {
    /// The line of the text that a line of the code stands for; 0 for none.
    pub(super) fn number(&self, line: usize) -> usize {
        let place = line.checked_sub(1).and_then(|line| self.numbers.get(line));
        place.copied().unwrap_or(0)
    }

    /// A line of the text, from 1, without its indentation.
    pub(super) fn text_of(&self, number: usize) -> &str {
        let line = number
            .checked_sub(1)
            .and_then(|at| self.source.lines().nth(at));
        line.unwrap_or_default().trim()
    }

    /// The run's error for an exception that nobody caught.
    pub(super) fn failure(&self, exception: &MontyException) -> RunError {
        let mut text = "Traceback (most recent call last):".to_owned();
        let mut line = 0;
        for frame in exception.traceback() {
            // What comes before the code, and after it, is ours.
            let line_of_code = (frame.start.line as usize).saturating_sub(self.before);
            let number = self.number(line_of_code);
            if number > 0 {
                line = number;
                let name = frame.frame_name.as_deref().unwrap_or("<module>");
                let _ = write!(
                    text,
                    "\n  line {number}, in {name}\n    {}",
                    self.text_of(number)
                );
            }
        }
        if let Some(limit) = limit(exception, &self.settings, line) {
            return limit;
        }
        let _ = write!(text, "\n{}", without_lines(&exception.summary()));
        RunError::Raised {
            line,
            traceback: text,
        }
    }
}

/// The limit that an exception reports, if it does.
fn limit(exception: &MontyException, settings: &ViperSettings, line: usize) -> Option<RunError> {
    let (what, limit, setting) = match exception.exc_type() {
        ExcType::TimeoutError => (
            "computing, in milliseconds,",
            settings.max_ms,
            limits::PYTHON_TIME.name(),
        ),
        ExcType::RecursionError => (
            "the depth of calls",
            settings.max_recursion as u64,
            limits::PYTHON_RECURSION.name(),
        ),
        ExcType::MemoryError => {
            // What is printed is bounded by the interpreter's writer, with the same exception.
            let printed = format!("{} bytes", settings.max_output);
            if exception
                .message()
                .is_some_and(|message| message.contains(&printed))
            {
                (
                    "printed text, in bytes,",
                    settings.max_output as u64,
                    limits::PYTHON_OUTPUT.name(),
                )
            } else {
                (
                    "a value's size, in bytes,",
                    settings.max_memory as u64,
                    limits::PYTHON_MEMORY.name(),
                )
            }
        }
        _ => return None,
    };
    Some(RunError::Limit {
        line,
        what: what.to_owned(),
        limit,
        setting,
    })
}
