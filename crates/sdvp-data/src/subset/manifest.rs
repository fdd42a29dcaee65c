//! Files that name questions.

use super::Rule;
use crate::DatasetError;
use crate::benchmark::{Benchmark, Layout, Part};
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_core::{Digest, Hasher, admit_json, read_within, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// What says that a file is a manifest, and of which version.
const FORMAT: &str = "sdvp-subset-1";

/// Where questions are from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// What the records look like.
    pub layout: Layout,
    /// The part, or the parts, by name.
    pub parts: Vec<String>,
    /// How many questions there are.
    pub records: usize,
    /// Digest of the files' bytes, whatever they are called.
    pub digest: Digest,
}

impl Source {
    /// Reads the files of some parts for their digest.
    pub(super) fn of(
        benchmark: &Benchmark,
        parts: &[&Part],
        records: usize,
    ) -> Result<Self, DatasetError> {
        let Some(first) = parts.first() else {
            return Err(DatasetError::Missing {
                path: benchmark.path.clone(),
                expected: "a part to choose questions from".to_owned(),
            });
        };
        Ok(Self {
            layout: first.layout,
            parts: parts.iter().map(|part| part.name.clone()).collect(),
            records,
            digest: digest(parts)?,
        })
    }
}

fn digest(parts: &[&Part]) -> Result<Digest, DatasetError> {
    let mut hasher = Hasher::new("sdvp subset source");
    for file in parts.iter().flat_map(|part| &part.files) {
        let digest = std::fs::File::open(file)
            .and_then(Digest::of_reader)
            .map_err(|source| DatasetError::read(file, source))?;
        hasher = hasher.part(digest.as_bytes());
    }
    Ok(hasher.finish())
}

/// Some of a benchmark's questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    /// Where they are from.
    pub source: Source,
    /// By which rule they were chosen.
    pub rule: Rule,
    /// With which seed.
    pub seed: u64,
    /// Their ids, in order of the alphabet.
    pub ids: Vec<String>,
}

impl Manifest {
    pub(super) fn new(source: Source, rule: Rule, seed: u64, ids: Vec<String>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            source,
            rule,
            seed,
            ids,
        }
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DatasetError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| DatasetError::write(path, error.into()))?;
        write_whole(path, format!("{text}\n").as_bytes())
            .map_err(|source| DatasetError::write(path, source))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// If the file cannot be read, is no manifest, or names no question or one twice.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let text =
            read_within(path, &SETTINGS_FILE).map_err(|source| DatasetError::read(path, source))?;
        admit_json(&text).map_err(DatasetError::beyond(path, "the manifest"))?;
        let wrong = |reason: String| DatasetError::Subset {
            source_name: path.display().to_string(),
            reason,
        };
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| wrong(format!("expected a manifest, found otherwise: {error}")))?;
        if manifest.format != FORMAT {
            return Err(wrong(format!(
                "expected format {FORMAT:?}, found {:?}",
                manifest.format
            )));
        }
        if manifest.ids.is_empty() {
            return Err(wrong("expected ids, found none".to_owned()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = manifest.ids.iter().find(|id| !seen.insert(*id)) {
            return Err(wrong(format!(
                "expected ids that occur once, found {twice:?} twice"
            )));
        }
        Ok(manifest)
    }

    /// The parts of a benchmark that it is of.
    ///
    /// # Errors
    /// If a part is not there or has other content; the reason says which and how.
    pub fn parts<'a>(&self, benchmark: &'a Benchmark) -> Result<Vec<&'a Part>, DatasetError> {
        let parts: Vec<&Part> = self
            .source
            .parts
            .iter()
            .map(|name| benchmark.part(Some(name)))
            .collect::<Result<_, _>>()?;
        let found = digest(&parts)?;
        if found != self.source.digest {
            return Err(DatasetError::Subset {
                source_name: benchmark.path.display().to_string(),
                reason: format!(
                    "the manifest is of other files: expected {} with digest {}, found {}; choose \
                     questions anew with `sdvp data subset`, or get the files it was made of",
                    self.source.parts.join(", "),
                    self.source.digest.short(),
                    found.short()
                ),
            });
        }
        Ok(parts)
    }

    /// Whether all of its questions were found.
    ///
    /// # Errors
    /// If not; the reason names the first that were not.
    pub fn complete<'a>(
        &self,
        found: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), DatasetError> {
        let mut absent: BTreeSet<&str> = self.ids.iter().map(String::as_str).collect();
        let mut twice = Vec::new();
        for id in found {
            if !absent.remove(id) {
                twice.push(id);
            }
        }
        let wrong = |what: &str, ids: Vec<&str>| {
            let first: Vec<&str> = ids.iter().take(3).copied().collect();
            Err(DatasetError::Subset {
                source_name: "the manifest".to_owned(),
                reason: format!(
                    "{} of its questions {what}: {} …",
                    ids.len(),
                    first.join(", ")
                ),
            })
        };
        if !absent.is_empty() {
            return wrong("are not in the files", absent.into_iter().collect());
        }
        if !twice.is_empty() {
            return wrong("occur more than once in the files", twice);
        }
        Ok(())
    }
}
