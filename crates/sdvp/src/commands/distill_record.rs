//! A distillation among runs: `sdvp runs` shows what was learned from what, and how.

use anyhow::{Context, Result};
use sdvp_core::{Digest, SubTaskKind};
use sdvp_distill::{CurvePoint, Distillation};
use sdvp_modules::Student;
use sdvp_store::{CheckpointRecord, Configuration, RunWriter};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// The names that a run's database has on disk.
const DATABASE: [&str; 3] = ["run.sqlite", "run.sqlite-wal", "run.sqlite-shm"];

/// Writes the curves of a distillation and what the student was after every step into the database of a
/// folder; one that is there is of another distillation, or was not written to its end.
pub(super) fn write_run(
    folder: &Path,
    distillation: &Value,
    seed: u64,
    distilled: &Distillation,
) -> Result<()> {
    for name in DATABASE {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot replace {}", path.display()));
            }
            _ => (),
        }
    }
    let settings = distillation.as_object().into_iter().flatten();
    let configuration = Configuration {
        versions: BTreeMap::from([("sdvp".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
        weights: serde_json::from_value(distillation["from"]["modules"].clone())?,
        data: Digest::of(distillation.to_string().as_bytes()),
        pictures: None,
        seed,
        settings: settings
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    };
    let mut writer = RunWriter::open_or_create(folder, &configuration)?;
    let steps = distilled.steps.iter().zip(&distilled.checkpoints);
    for (number, (step, student)) in steps.enumerate() {
        let name = format!("{} {}", number + 1, step.kind);
        let points = &step.curve.points;
        let curve = |value: fn(&CurvePoint) -> f32| -> Vec<(u32, f64)> {
            let points = points.iter();
            let points = points.map(|it| (counted(it.step), f64::from(value(it))));
            points.collect()
        };
        writer.record_losses(&format!("{name}: labels"), &curve(|it| it.loss))?;
        writer.record_losses(&format!("{name}: rehearsal"), &curve(|it| it.divergence))?;
        writer.record_checkpoint(&CheckpointRecord {
            step: points.last().map_or(0, |point| counted(point.step)),
            weights: weights(student, step.kind)?,
            details: json!({
                "harvested": step.harvested,
                "known": step.known,
                "unsayable": step.unsayable,
                "labelled": step.labelled,
                "rehearsed": step.rehearsed,
                "seconds": step.curve.seconds,
            }),
            name,
        })?;
    }
    Ok(writer.close()?)
}

fn counted(step: usize) -> u32 {
    u32::try_from(step).unwrap_or(u32::MAX)
}

/// Identity of the module that learned.
fn weights(student: &Student, kind: SubTaskKind) -> Result<Digest> {
    Ok(match kind {
        SubTaskKind::Locate => student.locate.fingerprint()?,
        SubTaskKind::Match => student.matching.fingerprint()?,
        _ => student.answer.fingerprint()?,
    })
}
