//! `sdvp models pull`: a published checkpoint, from the hub into its cache.

use super::downloads::Downloads;
use super::list::options;
use crate::output;
use anyhow::{Context, Result};
use sdvp_hub::{ModelId, Settings, pull};
use sdvp_modules::CheckpointSummary;

#[derive(clap::Args)]
#[command(
    after_help = "The cache is the one of Python's huggingface_hub. Its variables count: \
    HF_HOME and HF_HUB_CACHE (where the cache is), HF_TOKEN (who asks; or the file that `hf auth login` \
    writes), HF_ENDPOINT (another hub), HF_HUB_OFFLINE=1 (only look into the cache)."
)]
pub(crate) struct Pull {
    /// org/name, or org/name@revision: a branch, a tag, refs/pr/N or a commit.
    #[arg(value_name = "ID[@REVISION]")]
    id: ModelId,
}

impl Pull {
    pub(super) fn run(self, json: bool) -> Result<bool> {
        let settings = Settings::from_environment()?;
        let downloads = Downloads::new();
        let pulled = pull(&settings, &self.id, &downloads);
        downloads.clear();
        let pulled = pulled.with_context(|| format!("cannot pull {}", self.id))?;
        let summary = CheckpointSummary::read(&pulled.folder);
        if json {
            output::json(&serde_json::json!({
                "id": pulled.id.to_string(),
                "commit": pulled.commit,
                "path": pulled.folder,
                "files": pulled.files,
                "bytes": pulled.bytes(),
                "downloaded": pulled.downloaded(),
                "asked": pulled.asked,
                "answers": summary.as_ref().ok().map(|summary| &summary.answers),
                "missing": summary.as_ref().ok().map(|summary| &summary.missing),
                "reason": summary.as_ref().err().map(|error| error.to_string()),
            }))?;
            return Ok(true);
        }
        output::text(&format!(
            "{} is at commit {}: {} files, {} bytes, {} of them downloaded now",
            pulled.id,
            pulled.commit,
            pulled.files.len(),
            pulled.bytes(),
            pulled.downloaded(),
        ))?;
        output::text(&pulled.folder.display().to_string())?;
        if !pulled.asked {
            output::text("HF_HUB_OFFLINE is set: whether there is a newer state was not asked")?;
        }
        output::text(&match summary {
            Ok(summary) if summary.answers.is_empty() => {
                let kind = summary.model_type.unwrap_or_default();
                format!("it is a {kind:?}, which nothing here can use")
            }
            Ok(summary) if summary.missing.is_empty() => {
                format!("{} {}", options(&summary), pulled.id)
            }
            Ok(summary) => format!("it cannot be used: {}", options(&summary)),
            Err(error) => format!("it cannot be used: {error}"),
        })?;
        Ok(true)
    }
}
