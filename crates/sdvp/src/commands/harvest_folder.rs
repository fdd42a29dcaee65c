//! The folder of a harvest: one process at a time writes there, and what a killed one left is cleared.

use anyhow::{Context, Result, bail};
use sdvp_core::remove_partial;
use sdvp_modules::CallRecord;
use sdvp_store::{LOCK, Lock};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What is written last: with it a harvest is finished.
const LIST: &str = "calls.jsonl";

/// A folder that this process alone writes calls into.
pub(super) struct HarvestFolder {
    path: PathBuf,
    /// Whether it was made for this.
    is_new: bool,
    _lock: Lock,
}

/// Refuses a folder in which there is anything but what a harvest left that was not finished.
pub(super) fn admit(path: &Path) -> Result<()> {
    if is_free(path) {
        return Ok(());
    }
    bail!(
        "{} already exists; expected a folder that does not, or is empty",
        path.display()
    )
}

fn is_free(path: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(path) else {
        return !path.exists();
    };
    let names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
    let partial = format!(".{LIST}.");
    let is_left = |name: &OsString| {
        name.to_str().is_some_and(|name| {
            name == LOCK || name == CallRecord::IMAGES || name.starts_with(&partial)
        })
    };
    let is_begun = || names.iter().any(|name| name.to_str() == Some(LOCK));
    names.is_empty()
        || (is_begun() && names.iter().all(is_left) && has_only_files(&images_of(path)))
}

fn images_of(path: &Path) -> PathBuf {
    path.join(CallRecord::IMAGES)
}

/// As harvests have them, unlike runs.
fn has_only_files(images: &Path) -> bool {
    let mut entries = std::fs::read_dir(images).into_iter().flatten().flatten();
    entries.all(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
}

impl HarvestFolder {
    /// Takes a folder, which is made, if nobody else has it, and clears it of what was left.
    pub(super) fn take(path: &Path) -> Result<Self> {
        let is_new = !path.exists();
        std::fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        let lock = Lock::take(path)?;
        // Whoever had it may have finished meanwhile.
        admit(path)?;
        let failed = || format!("cannot clear {} of what was left in it", path.display());
        let images = images_of(path);
        if images.exists() {
            std::fs::remove_dir_all(images).with_context(failed)?;
        }
        remove_partial(&path.join(LIST)).with_context(failed)?;
        Ok(Self {
            path: path.to_owned(),
            is_new,
            _lock: lock,
        })
    }

    /// Gives it back, with what was written if all was.
    pub(super) fn end<T>(self, written: Result<T>) -> Result<T> {
        if written.is_ok() {
            // The list says by itself that nobody may write here.
            let _ = std::fs::remove_file(self.path.join(LOCK));
        } else if self.is_new {
            // The first error is the one to tell.
            let _ = std::fs::remove_dir_all(&self.path);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_it_and_what_a_killed_one_left_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls");
        let first = HarvestFolder::take(&path).unwrap();
        std::fs::create_dir(images_of(&path)).unwrap();
        std::fs::write(images_of(&path).join("a.png"), "").unwrap();
        let refused = HarvestFolder::take(&path).err().unwrap().to_string();
        let me = format!("process {}", std::process::id());
        assert!(refused.contains(&me), "{refused}");
        assert!(images_of(&path).join("a.png").exists());
        // As after a kill.
        drop(first);
        std::fs::write(path.join(".calls.jsonl.partial-7"), "").unwrap();
        admit(&path).unwrap();
        let next = HarvestFolder::take(&path).unwrap();
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
        std::fs::write(path.join(LIST), "").unwrap();
        next.end(Ok(())).unwrap();
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1);
        assert!(HarvestFolder::take(&path).is_err(), "it is finished");
    }

    #[test]
    fn what_fails_leaves_nothing_and_what_is_not_of_a_harvest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls");
        let taken = HarvestFolder::take(&path).unwrap();
        assert!(taken.end::<()>(Err(anyhow::anyhow!("no more"))).is_err());
        assert!(!path.exists());
        // Somebody's pictures, and those of a run.
        let (pictures, run) = (folder.path().join("pictures"), folder.path().join("run"));
        std::fs::create_dir_all(images_of(&pictures)).unwrap();
        std::fs::create_dir_all(images_of(&run).join("ab")).unwrap();
        std::fs::write(run.join(LOCK), "").unwrap();
        for path in [&pictures, &run] {
            let refused = admit(path).unwrap_err().to_string();
            assert!(refused.contains("already exists"), "{refused}");
        }
    }
}
