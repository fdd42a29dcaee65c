//! `sdvp models pretrain`: the shipped models, from nothing.

use super::calibrate::calibrate;
use super::chosen;
use crate::output;
use crate::progress::Progress;
use anyhow::Result;
use sdvp_data::Task;
use sdvp_data::picto::{answer_vocabulary, word_list};
use sdvp_distill::pretrain::{
    PretrainSettings, locate_recall, pretrain_answer, pretrain_locate, train_teacher,
};
use sdvp_models::Tokenizer;
use sdvp_modules::{LocateModel, ModelSource};
use std::path::PathBuf;

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

/// Steps, batch and learning rate.
fn plan(model: &str) -> (usize, usize, f64) {
    match model {
        "locate" => (14_000, 32, 1e-3),
        "answer" => (7_200, 32, 8e-4),
        _ => (3_500, 32, 2e-3),
    }
}

/// Labelled scenes a teacher learns from.
const TEACHER_SCENES: usize = 12_000;

impl Pretrain {
    pub(super) fn run(self, json: bool) -> Result<bool> {
        let progress = Progress::new();
        let mut made = Vec::new();
        for name in chosen(self.only.as_deref(), |_| true)? {
            let (steps, batch, learning_rate) = plan(name);
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
                    calibrate(name, &folder)?;
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
                    calibrate(name, &folder)?;
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
