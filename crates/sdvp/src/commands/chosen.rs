//! Which questions of a task or a benchmark a command is about.

use super::files::Files;
use crate::published::{ProgramFile, Published, Selection};
use anyhow::{Context, Result, bail};
use sdvp_data::benchmark::OpenOptions;
use sdvp_data::picto::Split;
use sdvp_data::{Rule, Task};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Chosen {
    /// The split of a built-in task (test if not given), or the part of a benchmark, such as
    /// val_balanced or dev.
    #[arg(long)]
    split: Option<String>,
    /// Some of a benchmark's questions, chosen by --seed: a number, or per-type:NUMBER.
    #[arg(long, conflicts_with = "manifest")]
    subset: Option<Rule>,
    /// The questions that a manifest names (`sdvp data subset`).
    #[arg(long, conflicts_with = "split")]
    manifest: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
    /// How many questions; 500, or all of a folder, if not given.
    #[arg(long)]
    pub(super) limit: Option<usize>,
    /// Seed of a built-in task's questions, or of a subset.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
}

impl Chosen {
    /// Which questions of a benchmark's files are meant, with the programs of `programs`.
    pub(super) fn published(&self, path: &Path, programs: ProgramFile) -> Result<Published> {
        let selection = Selection {
            split: self.split.clone(),
            subset: self.subset,
            manifest: self.manifest.clone(),
            seed: self.seed,
            limit: self.limit,
            programs,
        };
        Published::open(path, &OpenOptions::from(&self.files), &selection)
    }

    /// The task of the built-in world that is meant, its split, and how many questions.
    pub(super) fn built_in(&self, name: &str) -> Result<(Task, Split, usize)> {
        let task = Task::named(name).context("and there is no such folder or file")?;
        if self.subset.is_some() || self.manifest.is_some() {
            bail!("--subset and --manifest are of a benchmark's files; {task} is built in");
        }
        let split = self.split.as_deref().unwrap_or("test").parse()?;
        Ok((task, split, self.limit.unwrap_or(500)))
    }
}
