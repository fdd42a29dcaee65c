//! Whether outcomes are kept beyond the process: `--cache`.

use crate::outcome_cache::{ByteSize, VARIABLE, named_folder, program, usual_folder};
use anyhow::{Context, Result, bail};
use sdvp_runtime::{KeptOutcomes, Statistics};
use sdvp_store::{CacheError, CacheSettings, OutcomeFile};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(clap::Args)]
pub(crate) struct Caching {
    /// Keep what modules answer, and look there before one is asked: in DIR, or where SDVP_CACHE says,
    /// or in sdvp/outcomes below XDG_CACHE_HOME or ~/.cache. SDVP_CACHE=DIR alone does the same. What is
    /// found is what this very program and the same weights and settings said of the same request.
    #[arg(long, value_name = "DIR", require_equals = true)]
    cache: Option<Option<PathBuf>>,
    /// The most that the cache may take: GiB, or with a unit (500MiB) [default: 2GiB]. What was used
    /// longest ago goes first.
    #[arg(long, value_name = "SIZE")]
    cache_size: Option<ByteSize>,
}

impl Caching {
    /// The cache, if there is to be one.
    ///
    /// # Errors
    /// If it cannot be used, or a size is given for none.
    pub(crate) fn open(&self) -> Result<Option<KeptOutcomes>> {
        let folder = match (&self.cache, named_folder()) {
            (Some(Some(folder)), _) => folder.clone(),
            (_, Some(folder)) => folder,
            (Some(None), None) => usual_folder()?,
            (None, None) if self.cache_size.is_some() => {
                bail!("--cache-size is the size of a cache; turn one on by --cache or {VARIABLE}")
            }
            (None, None) => return Ok(None),
        };
        let max_bytes = self
            .cache_size
            .map_or(CacheSettings::USUAL_BYTES, |size| size.0);
        opened(&folder, max_bytes).map(Some)
    }

    /// No cache for who shares nothing; says so if the environment names one.
    ///
    /// # Errors
    /// If a size is given for none.
    pub(crate) fn refuse(&self) -> Result<Option<KeptOutcomes>> {
        if self.cache_size.is_some() {
            bail!("--cache-size is the size of a cache, and --one-at-a-time uses none");
        }
        if named_folder().is_some() {
            tracing::info!(
                "{VARIABLE} is set, but --one-at-a-time shares nothing: no cache is used"
            );
        }
        Ok(None)
    }
}

/// A cache of the usual size in a folder that has nothing else. One that cannot be read is begun anew:
/// all that was in it can be computed again.
pub(super) fn kept_in(folder: &Path) -> Result<KeptOutcomes> {
    let error = match opened(folder, CacheSettings::USUAL_BYTES) {
        Err(error) if is_unreadable(&error) => error,
        done => return done,
    };
    tracing::warn!("{error:#}; it is begun anew");
    std::fs::remove_dir_all(folder)
        .with_context(|| format!("cannot remove {}", folder.display()))?;
    opened(folder, CacheSettings::USUAL_BYTES)
}

fn is_unreadable(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(
            CacheError::Damaged { .. }
                | CacheError::NotACache { .. }
                | CacheError::NewerSchema { .. }
        )
    )
}

fn opened(folder: &Path, max_bytes: u64) -> Result<KeptOutcomes> {
    let settings = CacheSettings {
        max_bytes,
        program: program()?,
    };
    let file = OutcomeFile::open(folder, settings).context("cannot use the cache")?;
    Ok(KeptOutcomes::new(Arc::new(file)))
}

/// What a cache saved, in words; nothing if there was none.
pub(crate) fn saved(kept: Option<&KeptOutcomes>, spent: &Statistics) -> Option<String> {
    kept?;
    let mut told = format!(
        "cache: of {} sub-tasks {} were answered from disk and {} from memory, {} by modules; {} outcomes were kept",
        spent.sub_tasks,
        spent.disk_hits,
        spent.memory_hits(),
        spent.sub_tasks_executed,
        spent.disk_written,
    );
    if spent.disk_refused > 0 {
        told.push_str(&format!(
            "; {} were damaged and computed again",
            spent.disk_refused
        ));
    }
    if let Some(failure) = &spent.disk_failure {
        told.push_str(&format!(
            "; then it failed, and {} outcomes were not asked for: {failure}",
            spent.disk_unasked
        ));
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_beside_a_distillation_is_begun_anew_if_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outcomes");
        drop(kept_in(&path).unwrap());
        let file = path.join("outcomes.sqlite");
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        drop(kept_in(&path).unwrap());
        std::fs::write(&file, "no database at all, but text".repeat(100)).unwrap();
        drop(kept_in(&path).unwrap());
        // What stands in the way otherwise is told.
        std::fs::remove_dir_all(&path).unwrap();
        std::fs::write(&path, "").unwrap();
        assert!(kept_in(&path).is_err());
    }
}
