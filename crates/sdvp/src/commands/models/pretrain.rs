//! `sdvp models pretrain`: the shipped models, from nothing.

use super::calibrate::{calibrate, has_boxes};
use super::chosen;
use crate::output;
use crate::progress::Progress;
use anyhow::Result;
use sdvp_data::Task;
use sdvp_data::picto::{answer_vocabulary, word_list};
use sdvp_distill::TrainingCurve;
use sdvp_distill::pretrain::{
    PretrainSettings, answer_accuracy, deepened, fresh_answer, fresh_locate, fresh_match,
    locate_recall, match_accuracy, pretrain_answer, pretrain_locate, pretrain_match, train_teacher,
};
use sdvp_models::Tokenizer;
use sdvp_modules::{ClipModel, LocateModel, ModelSource, ViltModel};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Pretrain {
    /// Where the models' folders go.
    #[arg(long)]
    out: PathBuf,
    /// Only this one: locate, match, answer, teacher-picto-gqa or teacher-picto-nlvr2.
    #[arg(long)]
    only: Option<String>,
    /// Seed of weights, scenes and batches.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Multiplies the number of steps; below 1 for a quick look.
    #[arg(long, default_value_t = 1.0)]
    effort: f64,
    /// Go on with this round of training, from what the earlier ones left in the folder.
    #[arg(long, default_value_t = 1)]
    round: usize,
}

/// Rounds of steps and learning rate. Each has a schedule and scenes of its own, and goes on from
/// what the one before left in the model's folder.
fn plan(model: &str) -> &'static [(usize, f64)] {
    match model {
        "locate" => &[(10_000, 1e-3), (10_000, 7e-4), (10_000, 5e-4)],
        "match" => &[(4_000, 6e-4)],
        "answer" => &[
            (6_000, 8e-4),
            (8_000, 6e-4),
            (8_000, 5e-4),
            (3_000, 5e-4),
            (2_400, 5e-4),
            (6_000, 5e-4),
            (8_000, 5e-4),
            (8_000, 5e-4),
        ],
        _ => &[(2_500, 2e-3)],
    }
}

/// The round (the first is 0) from which on the answer student has [`LAYERS`].
const DEEPER_FROM: usize = 4;
/// Layers of the shipped answer student. The first ones learn what they can sooner alone; to
/// compare a patch's name with the question's word takes layers after those that name it.
const LAYERS: usize = 7;
/// Images, or questions, in a batch.
const BATCH: usize = 32;
/// Labelled scenes a teacher learns from.
const TEACHER_SCENES: usize = 12_000;
/// Validation views in which a locate student's recall is measured.
const RECALL_VIEWS: usize = 640;
/// Validation views of single things that a match student is to describe.
const MATCH_VIEWS: usize = 640;
/// Validation views about which an answer student is asked.
const ANSWER_VIEWS: usize = 3200;

impl Pretrain {
    pub(super) fn run(self, json: bool) -> Result<bool> {
        let progress = Progress::new();
        let mut made = Vec::new();
        for name in chosen(self.only.as_deref(), |_| true)? {
            let rounds = plan(name).iter().enumerate();
            for (round, &(steps, learning_rate)) in rounds.skip(self.round.saturating_sub(1)) {
                let settings = PretrainSettings {
                    seed: self.seed + round as u64,
                    steps: ((steps as f64 * self.effort) as usize).max(1),
                    batch: BATCH,
                    learning_rate,
                };
                let curve = self.train(name, round, &settings, &progress)?;
                progress.end();
                made.push(serde_json::json!({
                    "model": name, "round": round + 1, "settings": settings, "curve": curve,
                }));
            }
            if has_boxes(name) {
                calibrate(name, &self.out.join(name))?;
            }
        }
        if json {
            output::json(&made)?;
        }
        Ok(true)
    }

    /// One round of one model, from what is in its folder if it is not the first.
    fn train(
        &self,
        name: &str,
        round: usize,
        settings: &PretrainSettings,
        progress: &Progress,
    ) -> Result<TrainingCurve> {
        let folder = self.out.join(name);
        let source = ModelSource::Folder(folder.clone());
        match name {
            "locate" => {
                let model = if round == 0 {
                    let words = word_list();
                    let tokenizer = Tokenizer::from_words(words.iter().map(String::as_str))?;
                    fresh_locate(tokenizer, settings.seed)?
                } else {
                    LocateModel::load(&source, None)?
                };
                let curve = pretrain_locate(&model, settings, progress)?;
                model.save(&folder)?;
                for task in [Task::General, Task::Gqa, Task::Nlvr2] {
                    let recall = locate_recall(&model, &task.spec(), RECALL_VIEWS)?;
                    tracing::info!("recall at IoU 0.5 on {task} validation views: {recall:.3}");
                }
                Ok(curve)
            }
            "match" => {
                let model = if round == 0 {
                    let start = ModelSource::Folder(self.out.join("locate"));
                    fresh_match(&LocateModel::load(&start, None)?, settings.seed)?
                } else {
                    ClipModel::load(&source, None)?
                };
                let curve = pretrain_match(&model, settings, progress)?;
                model.save(&folder)?;
                for task in [Task::General, Task::Gqa, Task::Nlvr2] {
                    let [names, colors] = match_accuracy(&model, &task.spec(), MATCH_VIEWS)?;
                    tracing::info!(
                        "of single things on {task} validation views rightly named {names:.3}, \
                         rightly coloured {colors:.3}"
                    );
                }
                Ok(curve)
            }
            "answer" => {
                let model = if round == 0 {
                    let start = ModelSource::Folder(self.out.join("locate"));
                    let start = LocateModel::load(&start, None)?;
                    fresh_answer(&start, answer_vocabulary(), settings.seed)?
                } else {
                    ViltModel::load(&source, None)?
                };
                let had = model.config.encoder.num_hidden_layers;
                let model = if round >= DEEPER_FROM && had < LAYERS {
                    deepened(&model, LAYERS, settings.seed)?
                } else {
                    model
                };
                let curve = pretrain_answer(&model, settings, progress)?;
                model.save(&folder)?;
                for task in [Task::General, Task::Gqa, Task::Nlvr2] {
                    let families = answer_accuracy(&model, &task.spec(), ANSWER_VIEWS)?;
                    tracing::info!("right answers on {task} validation views: {families:.3?}");
                }
                Ok(curve)
            }
            teacher => {
                let task = Task::named(teacher.trim_start_matches("teacher-"))?;
                let spec = task.spec();
                let (model, curve) =
                    train_teacher(task.name(), &spec, TEACHER_SCENES, settings, progress)?;
                model.save(&folder)?;
                Ok(curve)
            }
        }
    }
}
