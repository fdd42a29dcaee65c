//! A step that is finished: the student that came of it, and what was done.

use super::{create, read_if_there, remove, unusable, write};
use crate::error::Result;
use crate::stepwise::DistilledStep;
use sdvp_core::Digest;
use sdvp_modules::Student;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

pub(super) const STEP: &str = "step.json";

/// `step.json`: says of the student's files beside it that they are whole.
#[derive(Serialize, Deserialize)]
struct Kept {
    step: DistilledStep,
    /// Of `step`, as JSON.
    digest: Digest,
    /// The content of the other files, by their paths from the folder on.
    files: BTreeMap<String, Digest>,
}

/// Writes a step in the place of what was left of it.
pub(super) fn keep(folder: &Path, student: &Student, step: &DistilledStep) -> Result<()> {
    remove(folder)?;
    create(folder)?;
    student.save(folder)?;
    let path = folder.join(STEP);
    let kept = Kept {
        step: step.clone(),
        digest: said(&path, step)?,
        files: contents(folder)?,
    };
    write(&path, &kept)
}

/// The step that is kept in a folder; `None` if it was never written to its end.
pub(super) fn read(folder: &Path) -> Result<Option<(Student, DistilledStep)>> {
    let path = folder.join(STEP);
    let Some(kept) = read_if_there::<Kept>(&path)? else {
        return Ok(None);
    };
    expect(&path, &kept.digest, &said(&path, &kept.step)?)?;
    for (name, digest) in &kept.files {
        let path = folder.join(name);
        expect(&path, digest, &content(&path)?)?;
    }
    let student = Student::load(folder).map_err(|e| unusable(folder, e.to_string()))?;
    Ok(Some((student, kept.step)))
}

/// The digest of a value as it is written.
pub(super) fn said(path: &Path, value: &impl Serialize) -> Result<Digest> {
    let text = serde_json::to_vec(value).map_err(|error| unusable(path, error.to_string()))?;
    Ok(Digest::of(&text))
}

/// Refuses a file with other content than was written.
pub(super) fn expect(path: &Path, expected: &Digest, found: &Digest) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.short(), found.short());
    let reason = format!("expected content of digest {expected}, found {found}");
    Err(unusable(path, reason))
}

fn content(path: &Path) -> Result<Digest> {
    let file = std::fs::File::open(path).and_then(Digest::of_reader);
    file.map_err(|error| unusable(path, error.to_string()))
}

/// The content of every file in a folder and in those within it, by its path from the folder on.
fn contents(folder: &Path) -> Result<BTreeMap<String, Digest>> {
    let failed = |error: std::io::Error| unusable(folder, error.to_string());
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path);
            found.insert(name.display().to_string(), content(&path)?);
        }
    }
    Ok(found)
}
