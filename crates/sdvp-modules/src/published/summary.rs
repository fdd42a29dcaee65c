//! What a checkpoint is, without loading it.

use super::{Kind, loader};
use crate::checkpoint::{WEIGHTS, has_weights, read_headers};
use crate::error::Result;
use crate::source::{ModelSource, TOKENIZERS};
use crate::student::{CONFIG, MODEL_FILES, PROCESSOR, TOKENIZER};
use sdvp_core::SubTaskKind;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What a checkpoint says it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckpointSummary {
    /// `model_type` of its configuration.
    pub model_type: Option<String>,
    /// Its classes in transformers.
    pub architectures: Vec<String>,
    /// The sub-tasks that it can answer here. Empty for a folder made here, which says nothing of its
    /// type: only loading it tells.
    pub answers: Vec<SubTaskKind>,
    /// Files that it would need for that and has not.
    pub missing: Vec<&'static str>,
}

/// What a checkpoint's weights are.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct WeightSummary {
    /// Number of scalars.
    pub parameters: u64,
    /// Scalars by the type of number that they are saved as.
    pub dtypes: BTreeMap<String, u64>,
}

impl CheckpointSummary {
    /// Of the configuration in a folder.
    ///
    /// # Errors
    /// If there is none, or it says nothing that is understood.
    pub fn read(folder: &Path) -> Result<Self> {
        let source = ModelSource::Folder(folder.to_owned());
        let found: Kind = source.json(CONFIG, MODEL_FILES)?;
        let says = found.model_type.is_some();
        let kinds = SubTaskKind::ALL.into_iter();
        let can = kinds.filter(|kind| says && loader(*kind, &found).is_some());
        let answers: Vec<SubTaskKind> = can.collect();
        // How far away things are is asked without words.
        let reads = answers.iter().any(|kind| *kind != SubTaskKind::Depth);
        let needed = [
            (has_weights(&source), WEIGHTS),
            (source.has_processor(), PROCESSOR),
            match found.model_type.as_deref() {
                // Its vocabulary is cut otherwise than CLIP's.
                Some("qwen3_vl") => (source.has(TOKENIZER), TOKENIZER),
                _ => (!reads || source.has_tokenizer(), TOKENIZERS),
            },
        ];
        let missing = needed
            .into_iter()
            .filter(|(there, _)| !answers.is_empty() && !there);
        Ok(Self {
            missing: missing.map(|(_, file)| file).collect(),
            answers,
            model_type: found.model_type,
            architectures: found.architectures,
        })
    }
}

impl WeightSummary {
    /// Of the weights in a folder.
    ///
    /// # Errors
    /// If there are none, or a file is damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut summary = Self::default();
        for tensor in read_headers(folder)?.into_values() {
            let count = tensor.count();
            // Older files have numbers of positions beside their parameters.
            if tensor.dtype.contains('F') {
                summary.parameters += count;
            }
            *summary.dtypes.entry(tensor.dtype).or_default() += count;
        }
        Ok(summary)
    }
}
