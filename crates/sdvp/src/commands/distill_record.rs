//! A distillation among runs: `sdvp runs` shows what was learned from what, and how.

use anyhow::{Context, Result, bail};
use sdvp_core::{Digest, SubTaskKind};
use sdvp_distill::{CurvePoint, Distillation, DistilledStep};
use sdvp_modules::{LearningModel, Student};
use sdvp_store::{CheckpointRecord, Configuration, Lock, RunReader, RunWriter, StoreError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// What the record of a distillation says, and no other run.
const OWN: [&str; 2] = ["from", "effort"];

/// Whether a run with these settings is a distillation.
pub(super) fn is_distillation(settings: &BTreeMap<String, Value>) -> bool {
    OWN.iter().all(|name| settings.contains_key(*name))
}

/// The right to write a distillation's record into a folder, which is made. The run of something else
/// stays there, and whoever writes it is left alone.
pub(super) fn claim(folder: &Path) -> Result<Lock> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let lock = Lock::take(folder)?;
    let is_other = match RunReader::open(folder).and_then(|reader| reader.configuration()) {
        Ok(configuration) => !is_distillation(&configuration.settings),
        // Nothing is in it, or nothing yet.
        Err(StoreError::NoRun { .. }) => false,
        Err(error) => {
            return Err(error).with_context(|| {
                let folder = folder.display();
                format!("{folder} holds a run that may be another's; choose another --out")
            });
        }
    };
    if is_other {
        bail!(
            "{} holds a run that is no distillation, and its run.sqlite would be replaced; choose another \
             --out",
            folder.display()
        );
    }
    Ok(lock)
}

/// Writes the curves of a distillation and what the student was after every step into the database of a
/// folder that was claimed; one that is there is of another distillation, or was not written to its end.
pub(super) fn write_run(
    claimed: Lock,
    folder: &Path,
    distillation: &Value,
    seed: u64,
    distilled: &Distillation,
) -> Result<()> {
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
    let mut writer = RunWriter::replace(folder, &configuration, claimed)?;
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
        if step.rehearsed > 0 {
            writer.record_losses(&format!("{name}: rehearsal"), &curve(|it| it.divergence))?;
        }
        writer.record_checkpoint(&CheckpointRecord {
            step: points.last().map_or(0, |point| counted(point.step)),
            weights: weights(student, step)?,
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

/// Identity of the module that learned in a step, after it.
fn weights(student: &Student, step: &DistilledStep) -> Result<Digest> {
    let learner = student.at(step.part);
    Ok(match step.kind {
        SubTaskKind::Locate => learner.locate.fingerprint()?,
        SubTaskKind::Match => learner.matching.fingerprint()?,
        _ => learner.answer.fingerprint()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, settings: &[&str]) -> RunWriter {
        let settings = settings.iter();
        let configuration = Configuration {
            versions: BTreeMap::new(),
            weights: BTreeMap::new(),
            data: Digest::of(b"data"),
            pictures: None,
            seed: 0,
            settings: settings
                .map(|name| ((*name).to_owned(), Value::Null))
                .collect(),
        };
        RunWriter::open_or_create(folder, &configuration).unwrap()
    }

    #[test]
    fn only_a_folder_without_the_run_of_something_else_is_claimed() {
        let folder = tempfile::tempdir().unwrap();
        let [new, other, own, begun] =
            ["new", "other", "own", "begun"].map(|name| folder.path().join(name));
        drop(claim(&new).unwrap());
        let live = run(&other, &["task"]);
        let refused = claim(&other).err().unwrap().to_string();
        let me = format!("process {}", std::process::id());
        assert!(refused.contains(&me), "{refused}");
        drop(live);
        let refused = claim(&other).err().unwrap().to_string();
        assert!(refused.contains("another --out"), "{refused}");
        drop(run(&own, &["task", "effort", "from"]));
        drop(claim(&own).unwrap());
        std::fs::create_dir(&begun).unwrap();
        std::fs::write(begun.join("run.sqlite"), "").unwrap();
        drop(claim(&begun).unwrap());
    }
}
