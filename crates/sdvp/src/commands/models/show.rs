//! `sdvp models show`: what a checkpoint is, without loading it.

use super::list::options;
use crate::{modules, output};
use anyhow::{Context, Result};
use sdvp_modules::{CheckpointSummary, WeightSummary};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Show {
    /// A checkpoint's folder, or the name by which `sdvp models pull` downloaded it.
    #[arg(value_name = "DIR|ID")]
    model: PathBuf,
}

impl Show {
    pub(super) fn run(self, json: bool) -> Result<bool> {
        let folder = modules::located(&self.model)?;
        let unreadable = || format!("cannot read the checkpoint {}", self.model.display());
        let summary = CheckpointSummary::read(&folder).with_context(unreadable)?;
        let weights = WeightSummary::read(&folder).with_context(unreadable)?;
        let files = files_in(&folder)?;
        if json {
            output::json(&serde_json::json!({
                "path": folder,
                "model_type": summary.model_type,
                "architectures": summary.architectures,
                "answers": summary.answers,
                "missing": summary.missing,
                "parameters": weights.parameters,
                "dtypes": weights.dtypes,
                "files": files
                    .iter()
                    .map(|(name, bytes)| serde_json::json!({"name": name, "bytes": bytes}))
                    .collect::<Vec<_>>(),
            }))?;
            return Ok(true);
        }
        let made_here = "made here, says nothing of its type";
        let model_type = summary.model_type.as_deref().unwrap_or(made_here);
        let dtypes: Vec<String> = weights
            .dtypes
            .iter()
            .map(|(dtype, count)| format!("{dtype} {count}"))
            .collect();
        let usable = match &summary.model_type {
            Some(_) => options(&summary),
            None => "`sdvp models verify` tells by loading it".to_owned(),
        };
        for (name, value) in [
            ("path", folder.display().to_string()),
            (
                "architecture",
                format!("{model_type} {}", summary.architectures.join(", ")),
            ),
            ("use", usable),
            ("parameters", weights.parameters.to_string()),
            ("numbers", dtypes.join(", ")),
        ] {
            output::text(&format!("{name:<13} {value}"))?;
        }
        for (name, bytes) in files {
            output::text(&format!("{bytes:>12} bytes  {name}"))?;
        }
        Ok(true)
    }
}

/// The files in a folder, links followed, by name with their sizes.
fn files_in(folder: &Path) -> Result<Vec<(String, u64)>> {
    let failed = || format!("cannot list {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let about = std::fs::metadata(entry.path()).with_context(failed)?;
        if about.is_file() {
            files.push((
                entry.file_name().to_string_lossy().into_owned(),
                about.len(),
            ));
        }
    }
    files.sort();
    Ok(files)
}
