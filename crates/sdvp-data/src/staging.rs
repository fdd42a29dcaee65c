//! Folders that appear whole or not at all.

use crate::DatasetError;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A folder being filled beside the one it will become; removed again unless it is finished.
pub(crate) struct Staging {
    target: PathBuf,
    partial: PathBuf,
}

impl Staging {
    /// Starts a folder that will be `target`. Parents are made as needed.
    pub(crate) fn beside(target: &Path) -> Result<Self, DatasetError> {
        let occupied = match std::fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_some(),
            Err(_) => target.exists(),
        };
        if occupied {
            return Err(DatasetError::Exists {
                path: target.to_owned(),
            });
        }
        let Some(name) = target.file_name() else {
            return Err(DatasetError::Exists {
                path: target.to_owned(),
            });
        };
        let mut partial_name = OsString::from(".");
        partial_name.push(name);
        partial_name.push(format!(".partial-{}", std::process::id()));
        let partial = target.with_file_name(partial_name);
        std::fs::create_dir_all(&partial)
            .map_err(|source| DatasetError::write(&partial, source))?;
        Ok(Self {
            target: target.to_owned(),
            partial,
        })
    }

    /// Where to write.
    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    /// Puts the folder in its place.
    pub(crate) fn finish(self) -> Result<(), DatasetError> {
        // An empty folder may be there; renaming onto one works on Unix only.
        let _ = std::fs::remove_dir(&self.target);
        std::fs::rename(&self.partial, &self.target)
            .map_err(|source| DatasetError::write(&self.target, source))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Gone already where it was put in its place.
        let _ = std::fs::remove_dir_all(&self.partial);
    }
}
