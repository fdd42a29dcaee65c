//! `sdvp program check`: what is wrong with programs, and where. `sdvp program write` is next door.

use super::program_write::Write;
use crate::exam::Framework;
use crate::output;
use anyhow::Result;
use clap::Subcommand;
use sdvp_core::limits::SETTINGS_FILE;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Program {
    /// Report every fault of every file; fails if there is one.
    Check {
        /// The language of the programs.
        #[arg(long, value_enum, default_value = "visprog")]
        framework: Framework,
        /// Files with one program each.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Have a language model write programs for questions; fails if one has none.
    Write(Box<Write>),
}

#[derive(serde::Serialize)]
struct Checked {
    file: String,
    ok: bool,
    errors: Vec<serde_json::Value>,
}

impl Program {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let (framework, files) = match self {
            Program::Check { framework, files } => (framework, files),
            Program::Write(write) => return write.run(json),
        };
        let mut results = Vec::new();
        for path in &files {
            let errors = match sdvp_core::read_text_within(path, &SETTINGS_FILE) {
                Ok(source) => framework
                    .check(&source)
                    .iter()
                    .map(serde_json::to_value)
                    .collect::<Result<_, _>>()?,
                Err(error) => vec![serde_json::json!({
                    "line": 0, "column": 0, "message": format!("cannot read the file: {error}"),
                })],
            };
            results.push(Checked {
                file: path.display().to_string(),
                ok: errors.is_empty(),
                errors,
            });
        }
        let ok = results.iter().all(|result| result.ok);
        if json {
            output::json(&results)?;
            return Ok(ok);
        }
        for result in &results {
            if result.ok {
                output::text(&format!("{}: ok", result.file))?;
            }
            for error in &result.errors {
                let message = error["message"].as_str().unwrap_or_default();
                output::text(&format!(
                    "{}:{}:{}: {message}",
                    result.file, error["line"], error["column"]
                ))?;
            }
        }
        Ok(ok)
    }
}
