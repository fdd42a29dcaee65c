//! Where the files of a model come from: a folder, or the binary itself.

use crate::error::{Result, SetupError};
use crate::student::{CONFIG, MODEL_FILES, PROCESSOR, TOKENIZER};
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_core::{admit_json, read_within};
use sdvp_models::{Tokenizer, vocabulary};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;

/// Everything that prepares inputs, in one file.
const WHOLE_PROCESSOR: &str = "processor_config.json";
/// What a tokenizer may be.
pub(crate) const TOKENIZERS: &str = "tokenizer.json (or vocab.json and merges.txt, or vocab.txt)";

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

    /// Whether there is such a file.
    pub(crate) fn has(&self, file: &str) -> bool {
        match self {
            ModelSource::Builtin(_, files) => files.iter().any(|(name, _)| *name == file),
            ModelSource::Folder(folder) => folder.join(file).is_file(),
        }
    }

    /// That there is no such file.
    pub(crate) fn missing(&self, file: &str, expected: &'static str) -> SetupError {
        SetupError::MissingFile {
            model: self.name(),
            file: file.to_owned(),
            expected,
        }
    }

    /// The bytes of one file.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be read.
    pub fn read(&self, file: &str, expected: &'static str) -> Result<Cow<'static, [u8]>> {
        let missing = || self.missing(file, expected);
        match self {
            ModelSource::Builtin(_, files) => files
                .iter()
                .find(|(name, _)| *name == file)
                .map(|(_, bytes)| Cow::Borrowed(*bytes))
                .ok_or_else(missing),
            ModelSource::Folder(folder) => {
                let path = folder.join(file);
                match read_within(&path, &SETTINGS_FILE) {
                    Ok(bytes) => Ok(Cow::Owned(bytes)),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing()),
                    Err(source) => Err(SetupError::Io { path, source }),
                }
            }
        }
    }

    /// A model's `config.json`, completed by what is usual for its `model_type` where it says nothing.
    /// (JSON text of the same form.) Folders made here say nothing of their type.
    ///
    /// # Errors
    /// As [`ModelSource::json`].
    pub(crate) fn config<T: DeserializeOwned>(
        &self,
        usual: impl Fn(Option<&str>) -> &'static str,
    ) -> Result<T> {
        let invalid = |error: serde_json::Error| SetupError::Config {
            model: self.name(),
            file: CONFIG.to_owned(),
            reason: error.to_string(),
        };
        let said: Value = self.json(CONFIG, MODEL_FILES)?;
        let usual = usual(said["model_type"].as_str());
        let mut whole: Value = serde_json::from_str(usual).map_err(invalid)?;
        complete(&mut whole, said);
        T::deserialize(whole).map_err(invalid)
    }

    /// What a model's `config.json` says it is; those made here say nothing of it.
    ///
    /// # Errors
    /// As [`ModelSource::json`].
    pub(crate) fn model_type(&self) -> Result<Option<String>> {
        #[derive(Deserialize)]
        struct Kind {
            model_type: Option<String>,
        }
        let said: Kind = self.json(CONFIG, MODEL_FILES)?;
        Ok(said.model_type)
    }

    /// That a student has no such model.
    pub(crate) fn cannot_learn(&self, expected: &str, found: &str) -> SetupError {
        SetupError::Config {
            model: self.name(),
            file: CONFIG.to_owned(),
            reason: format!("expected {expected} that can learn, found model_type {found:?}"),
        }
    }

    /// How a model's pictures are prepared. What newer versions of transformers save of a whole processor
    /// has it as a part of `processor_config.json`.
    ///
    /// # Errors
    /// As [`ModelSource::json`].
    pub(crate) fn processor<P: DeserializeOwned>(&self) -> Result<P> {
        #[derive(Deserialize)]
        struct Whole<P> {
            image_processor: P,
        }
        if self.has(PROCESSOR) || !self.has(WHOLE_PROCESSOR) {
            return self.json(PROCESSOR, MODEL_FILES);
        }
        let whole: Whole<P> = self.json(WHOLE_PROCESSOR, MODEL_FILES)?;
        Ok(whole.image_processor)
    }

    /// How a model's texts become ids: its `tokenizer.json`, or what older checkpoints have in its place.
    ///
    /// # Errors
    /// If there is no tokenizer, or it cannot be read.
    pub(crate) fn tokenizer(&self) -> Result<Tokenizer> {
        let unfit = |source| SetupError::Tokenizer {
            model: self.name(),
            source,
        };
        if self.has(TOKENIZER) {
            let json = self.read(TOKENIZER, MODEL_FILES)?;
            return Tokenizer::from_bytes(&json).map_err(unfit);
        }
        if !self.has_tokenizer() {
            return Err(self.missing(TOKENIZERS, MODEL_FILES));
        }
        let mut parts = HashMap::new();
        for file in vocabulary::FILES.into_iter().filter(|file| self.has(file)) {
            parts.insert(file, self.read(file, MODEL_FILES)?);
        }
        Tokenizer::from_vocabulary(|file| parts.get(file)).map_err(unfit)
    }

    /// Whether there are files that say how texts become ids.
    pub(crate) fn has_tokenizer(&self) -> bool {
        self.has(TOKENIZER)
            || (self.has(vocabulary::VOCABULARY) && self.has(vocabulary::MERGES))
            || self.has(vocabulary::WORDS)
    }

    /// Whether there is a file that says how pictures are prepared.
    pub(crate) fn has_processor(&self) -> bool {
        self.has(PROCESSOR) || self.has(WHOLE_PROCESSOR)
    }

    /// One JSON file, parsed.
    ///
    /// # Errors
    /// As [`ModelSource::read`], or if it does not say what it should.
    pub fn json<T: DeserializeOwned>(&self, file: &str, expected: &'static str) -> Result<T> {
        let bytes = self.read(file, expected)?;
        let invalid = |reason: String| SetupError::Config {
            model: self.name(),
            file: file.to_owned(),
            reason,
        };
        admit_json(&bytes).map_err(|exceeded| invalid(exceeded.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))
    }
}

/// Puts what is said over what is usual, object by object.
fn complete(usual: &mut Value, said: Value) {
    match (usual, said) {
        (Value::Object(usual), Value::Object(said)) => {
            for (key, value) in said {
                complete(usual.entry(key).or_insert(Value::Null), value);
            }
        }
        (usual, said) => *usual = said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_said_replaces_what_is_usual() {
        let mut whole = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2]});
        complete(&mut whole, json!({"b": {"c": 5}, "e": [7], "f": null}));
        assert_eq!(
            whole,
            json!({"a": 1, "b": {"c": 5, "d": 3}, "e": [7], "f": null})
        );
    }
}
