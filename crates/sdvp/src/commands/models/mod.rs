//! `sdvp models`: what is shipped, and how it was made.

mod assemble;
mod calibrate;
mod checkpoint;
mod pretrain;

use crate::output;
use anyhow::{Result, bail};
use assemble::Assemble;
use calibrate::Calibrate;
use checkpoint::Verify;
use clap::Subcommand;
use pretrain::Pretrain;
use sdvp_modules::BUILTIN;

#[derive(Subcommand)]
pub(crate) enum Models {
    /// The models in the binary.
    List,
    /// Whether a published checkpoint's folder, or a described ONNX file, can be used, and for what.
    Verify(Verify),
    /// Put a student together from checkpoints' folders and adapters of Python's peft, to be run,
    /// distilled into and evaluated as any other.
    Assemble(Assemble),
    /// Make the shipped models from nothing: the students, then both teachers.
    Pretrain(Pretrain),
    /// Measure on validation pictures from which probability on boxes are worth believing, and
    /// write it into the models' configurations.
    Calibrate(Calibrate),
}

/// Models in the order in which they are made.
const NAMES: [&str; 5] = [
    "locate",
    "match",
    "answer",
    "teacher-picto-gqa",
    "teacher-picto-nlvr2",
];

/// The models meant by `--only`: that one, or all that fit.
fn chosen(only: Option<&str>, fits: impl Fn(&str) -> bool) -> Result<Vec<&'static str>> {
    let mut names: Vec<&str> = NAMES.into_iter().filter(|name| fits(name)).collect();
    if let Some(only) = only {
        let known = names.join(", ");
        names.retain(|name| *name == only);
        if names.is_empty() {
            bail!("expected one of {known}, found {only:?}");
        }
    }
    Ok(names)
}

impl Models {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        match self {
            Models::List => list(json),
            Models::Verify(args) => args.run(json),
            Models::Assemble(args) => args.run(json),
            Models::Pretrain(args) => args.run(json),
            Models::Calibrate(args) => args.run(json),
        }
    }
}

fn list(json: bool) -> Result<bool> {
    let sizes: Vec<(&str, usize)> = BUILTIN
        .iter()
        .map(|(name, files)| (*name, files.iter().map(|(_, bytes)| bytes.len()).sum()))
        .collect();
    if json {
        let rows: Vec<_> = sizes
            .iter()
            .map(|(name, bytes)| serde_json::json!({"name": name, "bytes": bytes}))
            .collect();
        output::json(&rows)?;
    } else {
        for (name, bytes) in sizes {
            output::text(&format!("{name:<22} {bytes:>9} bytes"))?;
        }
    }
    Ok(true)
}
