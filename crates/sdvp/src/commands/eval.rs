//! `sdvp eval`: what runs showed, side by side.

use super::limits::RESULTS_FILE;
use crate::output;
use anyhow::{Context, Result, bail};
use sdvp_eval::{Measured, mean, paired_interval};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Eval {
    /// Folders that `sdvp run --out` wrote; later ones are compared with the first.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Seed of the resampling.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// One line of results.jsonl.
#[derive(serde::Deserialize)]
struct Line {
    id: String,
    score: f64,
    error: Option<String>,
}

impl Eval {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        let runs: Vec<Vec<Line>> = self
            .folders
            .iter()
            .map(|f| read(f))
            .collect::<Result<_>>()?;
        let mut rows = Vec::new();
        for (folder, run) in self.folders.iter().zip(&runs) {
            let scores: Vec<f64> = run.iter().map(|line| line.score).collect();
            let failed = run.iter().filter(|line| line.error.is_some()).count();
            let measured = Measured::new(&scores, failed, self.seed);
            let (common, gain, interval) = compare(&runs[0], run, self.seed);
            if !json {
                output::text(&format!(
                    "{}: {:.1} % [{:.1}, {:.1}] of {}, {:+.1} [{:+.1}, {:+.1}] on {common} common questions",
                    folder.display(),
                    100.0 * measured.mean,
                    100.0 * measured.ci95[0],
                    100.0 * measured.ci95[1],
                    measured.n,
                    100.0 * gain,
                    100.0 * interval[0],
                    100.0 * interval[1],
                ))?;
            }
            rows.push(serde_json::json!({
                "run": folder, "score": measured, "common": common, "gain": gain, "gain_ci95": interval,
            }));
        }
        if json {
            output::json(&rows)?;
        }
        Ok(true)
    }
}

fn compare(first: &[Line], run: &[Line], seed: u64) -> (usize, f64, [f64; 2]) {
    let known: HashMap<&str, f64> = first
        .iter()
        .map(|line| (line.id.as_str(), line.score))
        .collect();
    let (before, after): (Vec<f64>, Vec<f64>) = run
        .iter()
        .filter_map(|line| Some((*known.get(line.id.as_str())?, line.score)))
        .unzip();
    (
        before.len(),
        mean(&after) - mean(&before),
        paired_interval(&before, &after, seed),
    )
}

fn read(folder: &Path) -> Result<Vec<Line>> {
    let path = folder.join("results.jsonl");
    let text = sdvp_core::read_text_within(&path, &RESULTS_FILE).with_context(|| {
        format!(
            "cannot read {}; expected a folder that `sdvp run --out` wrote",
            path.display()
        )
    })?;
    let lines: Vec<Line> = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}, line {}", path.display(), index + 1))
        })
        .collect::<Result<_>>()?;
    if lines.is_empty() {
        bail!("{} holds no result", path.display());
    }
    Ok(lines)
}
