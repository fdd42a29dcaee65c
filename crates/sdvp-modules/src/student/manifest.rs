//! `student.json`: which base a student starts from, and what it has learned since.

use super::domain::Domain;
use sdvp_core::{Digest, SubTaskKind};
use sdvp_models::LoraConfig;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What of a module learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum TrainMethod {
    /// Every weight.
    Full,
    /// The weights that pictures pass through. Texts are read and results worded as before: what is
    /// new in a task is how its pictures look, not what words mean.
    Vision,
    /// Low-rank additions to the linear layers whose names hold one of the patterns
    /// (Hu et al. 2021, arXiv 2106.09685).
    Lora(LoraConfig),
}

impl TrainMethod {
    /// The low-rank additions that it trains, if it trains such.
    pub fn lora(&self) -> Option<&LoraConfig> {
        match self {
            TrainMethod::Full | TrainMethod::Vision => None,
            TrainMethod::Lora(config) => Some(config),
        }
    }
}

/// The model a student starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseReference {
    /// `builtin:NAME`, or a folder.
    pub source: String,
    /// Fingerprint of the base's weights and settings, so that a mix-up is noticed.
    pub fingerprint: Digest,
}

/// What one module has learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleAdapter {
    /// What it starts from.
    pub base: BaseReference,
    /// The file with the learned values, beside the manifest; `None` for an untouched base.
    pub weights: Option<String>,
    /// What was trained.
    #[serde(flatten)]
    pub method: TrainMethod,
}

/// What a student is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudentManifest {
    /// Version of this layout.
    pub format: u32,
    /// The modules of its trunk, by kind.
    pub modules: BTreeMap<SubTaskKind, ModuleAdapter>,
    /// The tasks it was distilled on, in order.
    pub history: Vec<String>,
    /// Those that learned tasks for the tasks' own pictures only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub experts: Vec<ExpertManifest>,
}

/// What an expert learned, and for which pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpertManifest {
    /// Its tasks, in the order of learning: several if their pictures look alike.
    pub tasks: Vec<String>,
    /// Their pictures.
    pub domain: Domain,
    /// The modules that learned; of other kinds those of the trunk answer.
    pub modules: BTreeMap<SubTaskKind, ModuleAdapter>,
}

impl StudentManifest {
    /// The layout of students without experts …
    pub(super) const FORMAT: u32 = 1;
    /// … and with such, which whoever knows nothing of them must not read.
    pub(super) const WITH_EXPERTS: u32 = 2;

    /// The name of what the trunk learned of a kind.
    pub(super) fn weights_of(kind: SubTaskKind) -> String {
        format!("{}.safetensors", kind.name())
    }

    /// Checks what a file says.
    pub(super) fn check(&self) -> Result<(), String> {
        let known = [Self::FORMAT, Self::WITH_EXPERTS];
        if !known.contains(&self.format) {
            let [first, last] = known;
            let found = self.format;
            return Err(format!("expected format {first} to {last}, found {found}"));
        }
        if self.format == Self::FORMAT && !self.experts.is_empty() {
            let format = Self::WITH_EXPERTS;
            return Err(format!(
                "expected format {format} with experts, found {}",
                self.format
            ));
        }
        let experts = self.experts.iter().map(|expert| &expert.modules);
        let adapters = experts.chain([&self.modules]).flat_map(BTreeMap::values);
        let mut named = BTreeSet::new();
        for file in adapters.filter_map(|adapter| adapter.weights.as_ref()) {
            if Path::new(file).file_name() != Some(file.as_ref()) {
                return Err(format!("expected a file beside it, found {file:?}"));
            }
            if !named.insert(file) {
                return Err(format!(
                    "expected a file for each module, found {file:?} twice"
                ));
            }
        }
        let mut learned = BTreeSet::new();
        for expert in &self.experts {
            let tasks = expert.tasks.join(", ");
            if let Some(twice) = expert.tasks.iter().find(|task| !learned.insert(*task)) {
                return Err(format!("expected each task once, found {twice:?} twice"));
            }
            // The trunk's would be written there as soon as it learns.
            let kinds = self.modules.keys().chain(expert.modules.keys());
            let of_trunk: BTreeSet<String> = kinds.map(|kind| Self::weights_of(*kind)).collect();
            let mut files = expert.modules.values().filter_map(|it| it.weights.as_ref());
            if let Some(file) = files.find(|file| of_trunk.contains(*file)) {
                return Err(format!(
                    "expected files of their own for what learned {tasks}, found {file:?}"
                ));
            }
            let checked = expert.domain.check();
            checked.map_err(|error| format!("the domain of {tasks}: {error}"))?;
        }
        Ok(())
    }
}
