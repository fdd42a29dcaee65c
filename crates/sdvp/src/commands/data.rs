//! `sdvp data make`: the built-in world as files in the published layouts.

use crate::output;
use anyhow::Result;
use clap::Subcommand;
use sdvp_data::picto::Split;
use sdvp_data::{Task, dataset, questions};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Data {
    /// Write pictures, questions, scene graphs and programs into a new folder.
    Make {
        /// picto-gqa, picto-nlvr2, picto-count, picto-spatial, picto-tag, picto-ref.
        task: String,
        /// train, val or test.
        #[arg(long, default_value = "test")]
        split: String,
        /// How many questions.
        #[arg(long, default_value_t = 100)]
        count: usize,
        /// Seed of the questions.
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// The new folder.
        #[arg(long)]
        out: PathBuf,
    },
}

impl Data {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let Data::Make {
            task,
            split,
            count,
            seed,
            out,
        } = self;
        let (task, split): (Task, Split) = (Task::named(&task)?, split.parse()?);
        dataset::write(&out, task, &questions(task, split, seed, count))?;
        if json {
            output::json(&serde_json::json!({ "task": task, "questions": count, "folder": out }))?;
        } else {
            output::text(&format!(
                "wrote {count} questions of {task} to {}",
                out.display()
            ))?;
        }
        Ok(true)
    }
}
