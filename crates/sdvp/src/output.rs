//! Results on standard output: text for people, JSON where it is asked for.

use anyhow::Result;
use serde::Serialize;
use std::io::Write;

/// Prints a value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    text(&serde_json::to_string_pretty(value)?)
}

/// Prints text and ends the line. A reader that has gone away is no error.
pub(crate) fn text(text: &str) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{}", text.trim_end()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
