//! Which files of a repository are used here.

use crate::error::{HubError, Result};
use crate::id::ModelId;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What says what a model is.
pub(crate) const CONFIG: &str = "config.json";
/// How pictures are prepared, how texts are read, how texts are written.
const SETTINGS: [&str; 10] = [
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "generation_config.json",
];
const WEIGHTS: &str = "model.safetensors";
/// Where each tensor is, if weights are in parts.
pub(crate) const INDEX: &str = "model.safetensors.index.json";
/// Endings of weights in formats that are not read.
const OTHER_WEIGHTS: [&str; 6] = [".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack"];
/// Names told of what a repository has instead.
const TOLD: usize = 6;

/// A repository's files, by name.
pub(crate) struct Listing(BTreeSet<String>);

/// Where the weights are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Weights {
    /// In one file.
    Whole(&'static str),
    /// In several, as the index says.
    Parts,
    /// In this file only, which is not read.
    Pickled(String),
}

impl Listing {
    /// # Errors
    /// If a name may lead out of a folder. No hub has such files, so nothing of it is believed.
    pub(crate) fn new(id: &ModelId, names: impl IntoIterator<Item = String>) -> Result<Self> {
        let names: BTreeSet<String> = names.into_iter().collect();
        match names.iter().find(|name| !is_inside(name)) {
            None => Ok(Self(names)),
            Some(name) => Err(HubError::FileName {
                id: id.clone(),
                name: name.clone(),
            }),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    fn missing(&self, id: &ModelId, missing: &'static str) -> HubError {
        let told: Vec<&str> = self.0.iter().take(TOLD).map(String::as_str).collect();
        let more = if self.0.len() > TOLD { ", …" } else { "" };
        HubError::NoCheckpoint {
            id: id.clone(),
            missing,
            found: match told.is_empty() {
                true => "nothing".to_owned(),
                false => format!("{}{more}", told.join(", ")),
            },
        }
    }

    /// The settings that there are.
    ///
    /// # Errors
    /// If nothing says what the model is.
    pub(crate) fn settings(&self, id: &ModelId) -> Result<Vec<&'static str>> {
        if !self.has(CONFIG) {
            return Err(self.missing(id, CONFIG));
        }
        let there = SETTINGS.into_iter().filter(|name| self.has(name));
        Ok(std::iter::once(CONFIG).chain(there).collect())
    }

    /// # Errors
    /// If there are no weights.
    pub(crate) fn weights(&self, id: &ModelId) -> Result<Weights> {
        if self.has(WEIGHTS) {
            return Ok(Weights::Whole(WEIGHTS));
        }
        if self.has(INDEX) {
            return Ok(Weights::Parts);
        }
        let is_other = |name: &&String| {
            !name.contains('/') && OTHER_WEIGHTS.iter().any(|ending| name.ends_with(ending))
        };
        match self.0.iter().find(is_other) {
            Some(name) => Ok(Weights::Pickled(name.clone())),
            None => Err(self.missing(id, WEIGHTS)),
        }
    }

    /// The files that an index names.
    ///
    /// # Errors
    /// If it is damaged, or names files that are not in the repository's own folder.
    pub(crate) fn parts(&self, id: &ModelId, index: &[u8], url: &str) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        let wrong = |expected, found: String| HubError::Answer {
            url: url.to_owned(),
            expected,
            found,
        };
        let index: Index = serde_json::from_slice(index)
            .map_err(|error| wrong("an index with a weight_map", error.to_string()))?;
        let names: BTreeSet<String> = index.weight_map.into_values().collect();
        for name in &names {
            if !is_plain(name) || !name.ends_with(".safetensors") {
                return Err(HubError::FileName {
                    id: id.clone(),
                    name: name.clone(),
                });
            }
            if !self.has(name) {
                return Err(wrong(
                    "an index of the repository's files",
                    format!("{name:?}"),
                ));
            }
        }
        Ok(names.into_iter().collect())
    }
}

/// A path of names, from the repository's folder down.
fn is_inside(path: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name != "." && name != "..";
    path.split('/').all(is_name) && !path.contains(['\\', '\0', ':'])
}

/// A name that is one in any folder and in any address.
fn is_plain(name: &str) -> bool {
    let is_usual = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    name.bytes().all(is_usual) && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> ModelId {
        "a/b".parse().unwrap()
    }

    fn listing(names: &[&str]) -> Listing {
        Listing::new(&id(), names.iter().map(|name| (*name).to_owned())).unwrap()
    }

    #[test]
    fn what_is_used_is_chosen() {
        let files = [
            "README.md",
            "config.json",
            "merges.txt",
            "model.safetensors",
            "onnx/model.onnx",
            "preprocessor_config.json",
            "pytorch_model.bin",
            "tokenizer.json",
        ];
        let all = listing(&files);
        assert_eq!(
            all.settings(&id()).unwrap(),
            [
                "config.json",
                "preprocessor_config.json",
                "tokenizer.json",
                "merges.txt"
            ]
        );
        assert_eq!(
            all.weights(&id()).unwrap(),
            Weights::Whole("model.safetensors")
        );
        assert_eq!(listing(&[INDEX]).weights(&id()).unwrap(), Weights::Parts);
        assert_eq!(
            listing(&["config.json", "pytorch_model.bin"])
                .weights(&id())
                .unwrap(),
            Weights::Pickled("pytorch_model.bin".to_owned())
        );
        let error = listing(&["a.gguf"])
            .settings(&id())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("config.json") && error.contains("a.gguf"),
            "{error}"
        );
        let error = listing(&["config.json"])
            .weights(&id())
            .unwrap_err()
            .to_string();
        assert!(error.contains("model.safetensors"), "{error}");
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [
            "../x",
            "a/../../x",
            "/etc/passwd",
            "a//b",
            "a\\..\\x",
            "C:x",
            "",
            "a/./b",
        ] {
            let error = Listing::new(&id(), [name.to_owned()]).err().unwrap();
            assert!(
                matches!(error, HubError::FileName { .. }),
                "{name}: {error}"
            );
        }
        let all = listing(&["a/x.safetensors", "one.safetensors", "two.bin"]);
        let parts = |name: &str| {
            let index = serde_json::json!({"weight_map": {"w": name}}).to_string();
            all.parts(&id(), index.as_bytes(), "u")
        };
        assert_eq!(parts("one.safetensors").unwrap(), ["one.safetensors"]);
        for name in [
            "../one.safetensors",
            "a/x.safetensors",
            "two.bin",
            "three.safetensors",
            "",
        ] {
            assert!(parts(name).is_err(), "{name}");
        }
        assert!(all.parts(&id(), b"{", "u").is_err());
    }
}
