//! `sdvp cache`: what is kept of what modules answered.

use crate::outcome_cache::{named_folder, readable, usual_folder};
use crate::output;
use anyhow::Result;
use clap::Subcommand;
use sdvp_store::{CacheSummary, Clearing, cache_summary, clear_cache};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Subcommand)]
pub(crate) enum Cache {
    /// How much is in a cache, of which modules, and how often it was of use.
    Stats {
        /// The cache's folder; that of SDVP_CACHE, or else sdvp/outcomes below XDG_CACHE_HOME or ~/.cache,
        /// if not given.
        dir: Option<PathBuf>,
    },
    /// Remove what is in a cache. Others may use it meanwhile; they compute again.
    Clear {
        /// The cache's folder; as for `stats` if not given.
        dir: Option<PathBuf>,
        /// Only outcomes of the module whose fingerprint begins so (`sdvp cache stats` lists them).
        #[arg(long, value_name = "FINGERPRINT", conflicts_with = "older_than")]
        module: Option<String>,
        /// Only outcomes that were last used before so many days.
        #[arg(long, value_name = "DAYS")]
        older_than: Option<u32>,
    },
}

impl Cache {
    pub(crate) fn run(self, json: bool) -> Result<bool> {
        match self {
            Cache::Stats { dir } => {
                let summary = cache_summary(&folder(dir)?)?;
                match json {
                    true => output::json(&summary)?,
                    false => output::text(&told(&summary))?,
                }
            }
            Cache::Clear {
                dir,
                module,
                older_than,
            } => {
                let folder = folder(dir)?;
                let what = match (module, older_than) {
                    (Some(module), _) => Clearing::Module(module),
                    (None, Some(days)) => Clearing::OlderThan { days },
                    (None, None) => Clearing::All,
                };
                let cleared = clear_cache(&folder, &what)?;
                match json {
                    true => output::json(&cleared)?,
                    false => output::text(&format!(
                        "removed {} outcomes from {}; the file is {} smaller",
                        cleared.removed,
                        folder.display(),
                        readable(cleared.freed_bytes),
                    ))?,
                }
            }
        }
        Ok(true)
    }
}

fn folder(said: Option<PathBuf>) -> Result<PathBuf> {
    match said.or_else(named_folder) {
        Some(folder) => Ok(folder),
        None => usual_folder(),
    }
}

fn told(summary: &CacheSummary) -> String {
    let mut lines = vec![
        format!(
            "{}: {} outcomes in {} of at most {}",
            summary.path.display(),
            summary.entries,
            readable(summary.used_bytes),
            readable(summary.max_bytes),
        ),
        format!(
            "  answered {} sub-tasks so far; {} outcomes went to make room, {} were damaged and not believed",
            summary.hits, summary.evicted, summary.refused,
        ),
    ];
    if let (Some(oldest), Some(newest)) = (summary.oldest_use, summary.newest_use) {
        lines.push(format!(
            "  last used between {} and {} ago",
            ago(oldest),
            ago(newest)
        ));
    }
    for module in &summary.modules {
        lines.push(format!(
            "  {}: {} outcomes, {}, answered {} (program {})",
            module.fingerprint.short(),
            module.entries,
            readable(module.value_bytes),
            module.hits,
            module.program.short(),
        ));
    }
    lines.join("\n")
}

/// How long ago a moment was, by the clock; no time for what is in the future.
fn ago(seconds: i64) -> String {
    let moment = UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
    let since = SystemTime::now().duration_since(moment).unwrap_or_default();
    match since.as_secs() {
        seconds @ ..120 => format!("{seconds} seconds"),
        seconds @ ..7_200 => format!("{} minutes", seconds / 60),
        seconds @ ..172_800 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_read_them() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let before = |seconds: i64| ago(now.as_secs() as i64 - seconds);
        assert!(before(5).ends_with(" seconds"));
        assert!(before(600).contains("10 minutes"));
        assert_eq!(before(86_400 * 9 + 60), "9 days");
        assert_eq!(before(-1000), "0 seconds");
    }
}
