//! `sdvp models`: what is shipped, and how it was made.

use crate::output;
use crate::progress::Progress;
use anyhow::{Result, bail};
use clap::Subcommand;
use sdvp_data::Task;
use sdvp_data::picto::{answer_vocabulary, word_list};
use sdvp_distill::pretrain::{
    PretrainSettings, locate_recall, pretrain_answer, pretrain_locate, train_teacher,
};
use sdvp_models::Tokenizer;
use sdvp_modules::{BUILTIN, LocateModel, ModelSource};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Models {
    /// The models in the binary.
    List,
    /// Make the shipped models from nothing: both students, then both teachers.
    Pretrain(Pretrain),
}

#[derive(clap::Args)]
pub(crate) struct Pretrain {
    /// Where the models' folders go.
    #[arg(long)]
    out: PathBuf,
    /// Only this one: locate, answer, teacher-picto-gqa or teacher-picto-nlvr2.
    #[arg(long)]
    only: Option<String>,
    /// Seed of weights, scenes and batches.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Multiplies the number of steps; below 1 for a quick look.
    #[arg(long, default_value_t = 1.0)]
    effort: f64,
}

/// Models in the order in which they are made: name, steps, batch, learning rate.
const PLAN: [(&str, usize, usize, f64); 4] = [
    ("locate", 3200, 32, 1e-3),
    ("answer", 1800, 32, 8e-4),
    ("teacher-picto-gqa", 700, 32, 2e-3),
    ("teacher-picto-nlvr2", 700, 32, 2e-3),
];
/// Labelled scenes a teacher learns from.
const TEACHER_SCENES: usize = 12_000;

impl Models {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        match self {
            Models::List => list(json),
            Models::Pretrain(args) => args.run(json),
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

impl Pretrain {
    fn run(self, json: bool) -> Result<bool> {
        if let Some(only) = &self.only
            && !PLAN.iter().any(|(name, ..)| name == only)
        {
            bail!(
                "expected one of {}, found {only:?}",
                PLAN.map(|(name, ..)| name).join(", ")
            );
        }
        let progress = Progress::new();
        let mut made = Vec::new();
        for (name, steps, batch, learning_rate) in PLAN {
            if self.only.as_deref().is_some_and(|only| only != name) {
                continue;
            }
            let steps = ((steps as f64 * self.effort) as usize).max(1);
            let settings = PretrainSettings {
                seed: self.seed,
                steps,
                batch,
                learning_rate,
            };
            let folder = self.out.join(name);
            let curve = match name {
                "locate" => {
                    let words = word_list();
                    let tokenizer = Tokenizer::from_words(words.iter().map(String::as_str))?;
                    let (model, curve) = pretrain_locate(tokenizer, &settings, &progress)?;
                    model.save(&folder)?;
                    for task in [Task::General, Task::Gqa, Task::Nlvr2] {
                        let recall = locate_recall(&model, &task.spec(), 640)?;
                        tracing::info!("recall at IoU 0.5 on {task} validation views: {recall:.3}");
                    }
                    curve
                }
                "answer" => {
                    let start =
                        LocateModel::load(&ModelSource::Folder(self.out.join("locate")), None)?;
                    let (model, curve) =
                        pretrain_answer(&start, answer_vocabulary(), &settings, &progress)?;
                    model.save(&folder)?;
                    curve
                }
                teacher => {
                    let task = Task::named(teacher.trim_start_matches("teacher-"))?;
                    let (model, curve) = train_teacher(
                        task.name(),
                        &task.spec(),
                        TEACHER_SCENES,
                        &settings,
                        &progress,
                    )?;
                    model.save(&folder)?;
                    curve
                }
            };
            progress.end();
            made.push(serde_json::json!({ "model": name, "settings": settings, "curve": curve }));
        }
        if json {
            output::json(&made)?;
        }
        Ok(true)
    }
}
