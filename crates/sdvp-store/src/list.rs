//! The runs under a folder.

use crate::DATABASE;
use crate::error::{Result, StoreError};
use crate::reader::RunReader;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// How many folders deep runs are looked for.
const DEEPEST: usize = 6;

/// A run that was found.
#[derive(Debug, Serialize)]
pub struct ListedRun {
    /// Its folder.
    pub folder: PathBuf,
    /// What there is to say of it, or why it cannot be read.
    pub overview: std::result::Result<RunOverview, String>,
}

/// What there is to say of a run in a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunOverview {
    /// Questions that are finished.
    pub questions: u64,
    /// Mean score, in `[0, 1]`; 0 of none.
    pub score: f64,
    /// Questions whose program failed.
    pub failed: u64,
    /// Trainings that it has the losses of.
    pub curves: u64,
    /// States of weights that they kept.
    pub checkpoints: u64,
    /// Whether its last writer ended cleanly.
    pub ended: bool,
    /// What was chosen, as JSON by name: task, framework and others.
    pub settings: std::collections::BTreeMap<String, serde_json::Value>,
}

/// The runs in a folder and in folders within it, by name; links are not followed. One that cannot be
/// read is listed with the reason.
///
/// # Errors
/// If the folder itself cannot be read.
pub fn list(folder: &Path) -> Result<Vec<ListedRun>> {
    std::fs::read_dir(folder).map_err(|source| StoreError::Io {
        doing: "read the folder",
        path: folder.to_owned(),
        source,
    })?;
    let mut found = Vec::new();
    search(folder, 0, &mut found);
    let runs = found.into_iter().map(|folder| ListedRun {
        overview: overview(&folder).map_err(|error| error.to_string()),
        folder,
    });
    Ok(runs.collect())
}

/// Folders that cannot be read hold no runs that could be.
fn search(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if folder.join(DATABASE).is_file() {
        // A run's folder holds pictures, not runs.
        found.push(folder.to_owned());
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut within: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    within.sort();
    for folder in within {
        if depth < DEEPEST {
            search(&folder, depth + 1, found);
        }
    }
}

fn overview(folder: &Path) -> Result<RunOverview> {
    let reader = RunReader::open(folder)?;
    let summary = reader.summary(0)?;
    Ok(RunOverview {
        questions: summary.questions,
        score: summary.score,
        failed: summary.failed,
        curves: summary.curves.len() as u64,
        checkpoints: summary.checkpoints,
        ended: summary.ended,
        settings: summary.configuration.settings,
    })
}
