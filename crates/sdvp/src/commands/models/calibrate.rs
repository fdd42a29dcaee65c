//! `sdvp models calibrate`: from which probability on boxes are worth believing.

use super::chosen;
use crate::exam::{Framework, exam};
use crate::output;
use anyhow::Result;
use sdvp_core::Module;
use sdvp_data::Task;
use sdvp_data::picto::Split;
use sdvp_eval::{Exam, evaluate};
use sdvp_models::Calibration;
use sdvp_modules::{
    ConvDetector, LocateModel, LocateStudent, LocateTeacher, ModelSource, TeacherModel,
};
use sdvp_runtime::Settings;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(clap::Args)]
pub(crate) struct Calibrate {
    /// Where the models' folders are.
    folder: PathBuf,
    /// Only this one: locate, teacher-picto-gqa or teacher-picto-nlvr2.
    #[arg(long)]
    only: Option<String>,
}

/// Validation questions whose programs are run with every candidate. Programs that need more than
/// boxes fail alike with all of them.
const QUESTIONS: usize = 1000;
/// Candidates are this far apart.
const GRID: f32 = 0.05;
/// The last of them.
const LAST: usize = 15;

impl Calibrate {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let mut measured = Vec::new();
        for name in chosen(self.only.as_deref(), has_boxes)? {
            let believed = calibrate(name, &self.folder.join(name))?;
            measured.push(serde_json::json!({ "model": name, "believed": believed }));
        }
        if json {
            output::json(&measured)?;
        }
        Ok(true)
    }
}

/// Whether a model says where things are.
pub(super) fn has_boxes(name: &str) -> bool {
    !["match", "answer"].contains(&name)
}

/// Finds from which probability on programs had best believe a locator's boxes, and writes it into
/// the model's configuration.
pub(crate) fn calibrate(name: &str, folder: &Path) -> Result<Calibration> {
    let source = ModelSource::Folder(folder.to_owned());
    let believed = if let Some(task) = name.strip_prefix("teacher-") {
        let load = || TeacherModel::load(&source);
        let best = best_for(Task::named(task)?, |believed| {
            let mut model = load()?;
            model.config.believed = believed;
            let detector = ConvDetector::new(model)?;
            Ok(Arc::new(LocateTeacher::new(Arc::new(detector))))
        })?;
        let mut model = load()?;
        model.config.believed = best;
        model.save(folder)?;
        best
    } else {
        let load = || LocateModel::load(&source, None);
        let best = best_for(Task::General, |believed| {
            let mut model = load()?;
            model.config.believed = believed;
            Ok(Arc::new(LocateStudent::new(&model)?))
        })?;
        let mut model = load()?;
        model.config.believed = best;
        model.save(folder)?;
        best
    };
    let probability = f32::from(believed);
    tracing::info!("boxes of {name} are believed from probability {probability:.2} on");
    Ok(believed)
}

fn best_for(
    task: Task,
    module: impl Fn(Calibration) -> Result<Arc<dyn Module>>,
) -> Result<Calibration> {
    let exam: Exam = exam(task, Framework::Visprog, Split::Val, 0, QUESTIONS);
    let candidates: Vec<Calibration> = (1..=LAST)
        .map(|step| Calibration::try_from(step as f32 * GRID))
        .collect::<Result<_, _>>()?;
    let scores: Vec<f64> = candidates
        .iter()
        .map(|&candidate| {
            let modules = vec![module(candidate)?];
            Ok(evaluate(&exam, modules, &Settings::default(), |_| false, |_| ())?.score())
        })
        .collect::<Result<_>>()?;
    Ok(candidates[smoothed_best(&scores)])
}

/// The place of the greatest mean of three neighbours: one score alone is partly luck.
fn smoothed_best(scores: &[f64]) -> usize {
    let mean = |place: usize| {
        let around = &scores[place.saturating_sub(1)..(place + 2).min(scores.len())];
        sdvp_eval::mean(around)
    };
    (0..scores.len())
        .max_by(|&a, &b| mean(a).total_cmp(&mean(b)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plateau_beats_a_lucky_peak() {
        assert_eq!(smoothed_best(&[0.1, 0.6, 0.1, 0.5, 0.55, 0.5, 0.2]), 4);
        assert_eq!(smoothed_best(&[0.9, 0.8, 0.1]), 0);
    }
}
