//! `sdvp models`: what is shipped, and how it was made.

mod assemble;
mod calibrate;
mod checkpoint;
mod downloads;
mod list;
mod pretrain;
mod pull;
mod show;

use anyhow::{Result, bail};
use assemble::Assemble;
use calibrate::Calibrate;
use checkpoint::Verify;
use clap::Subcommand;
use pretrain::Pretrain;
use pull::Pull;
use show::Show;

#[derive(Subcommand)]
pub(crate) enum Models {
    /// The models in the binary, and those in the hub's cache.
    List,
    /// Download what is used of a published checkpoint into the hub's cache, where Python's
    /// huggingface_hub keeps it, too.
    Pull(Pull),
    /// What a checkpoint is, without loading it: architecture, parameters, files, uses.
    Show(Show),
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
            Models::List => list::run(json),
            Models::Pull(args) => args.run(json),
            Models::Show(args) => args.run(json),
            Models::Verify(args) => args.run(json),
            Models::Assemble(args) => args.run(json),
            Models::Pretrain(args) => args.run(json),
            Models::Calibrate(args) => args.run(json),
        }
    }
}
