//! Where the files of a model come from: a folder, or the binary itself.

use crate::error::{Result, SetupError};
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::path::PathBuf;

/// The files of one model.
#[derive(Clone, Debug)]
pub enum ModelSource {
    /// Compiled into the binary: name and files.
    Builtin(&'static str, &'static [(&'static str, &'static [u8])]),
    /// A folder.
    Folder(PathBuf),
}

impl ModelSource {
    /// A name for messages and manifests.
    pub fn name(&self) -> String {
        match self {
            ModelSource::Builtin(name, _) => format!("builtin:{name}"),
            ModelSource::Folder(path) => path.display().to_string(),
        }
    }

    /// The bytes of one file.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be read.
    pub fn read(&self, file: &str, expected: &'static str) -> Result<Cow<'static, [u8]>> {
        let missing = || SetupError::MissingFile {
            model: self.name(),
            file: file.to_owned(),
            expected,
        };
        match self {
            ModelSource::Builtin(_, files) => files
                .iter()
                .find(|(name, _)| *name == file)
                .map(|(_, bytes)| Cow::Borrowed(*bytes))
                .ok_or_else(missing),
            ModelSource::Folder(folder) => {
                let path = folder.join(file);
                match std::fs::read(&path) {
                    Ok(bytes) => Ok(Cow::Owned(bytes)),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing()),
                    Err(source) => Err(SetupError::Io { path, source }),
                }
            }
        }
    }

    /// One JSON file, parsed.
    ///
    /// # Errors
    /// As [`ModelSource::read`], or if it does not say what it should.
    pub fn json<T: DeserializeOwned>(&self, file: &str, expected: &'static str) -> Result<T> {
        let bytes = self.read(file, expected)?;
        serde_json::from_slice(&bytes).map_err(|error| SetupError::Config {
            model: self.name(),
            file: file.to_owned(),
            reason: error.to_string(),
        })
    }
}
