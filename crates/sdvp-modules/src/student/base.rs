//! A student as it begins, and what it starts from.

use super::expert::Expert;
use super::manifest::{BaseReference, ModuleAdapter, StudentManifest, TrainMethod};
use super::model::{StudentModel, StudentNetwork};
use super::{AnswerModel, LocateModel, MatchModel};
use crate::builtin::builtin_source;
use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use candle_core::Tensor;
use sdvp_core::SubTaskKind;
use sdvp_models::params::Params;
use sdvp_models::{LoraConfig, load_adapter};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

pub(super) const BUILTIN_MATCH: &str = "builtin:match";

/// A complete student: one model per kind of sub-task, which are its trunk, and experts beside it.
#[derive(Clone)]
pub struct Student {
    /// Finds.
    pub locate: Arc<LocateModel>,
    /// Answers.
    pub answer: Arc<AnswerModel>,
    /// Says how well texts fit.
    pub matching: Arc<MatchModel>,
    /// Where it came from.
    pub manifest: StudentManifest,
    /// The models of the manifest's experts.
    pub(super) experts: Vec<Expert>,
}

impl Student {
    /// The shipped student, as pretrained.
    ///
    /// # Errors
    /// If the shipped files are damaged.
    pub fn builtin() -> Result<Self> {
        Self::from_bases("builtin:locate", "builtin:answer", BUILTIN_MATCH)
    }

    /// A student that is its bases, each `builtin:NAME` or a folder.
    ///
    /// # Errors
    /// If a base cannot be loaded.
    pub fn from_bases(locate: &str, answer: &str, matching: &str) -> Result<Self> {
        let (sources, locate_source) = ([answer, matching], locate);
        let locate = Arc::new(LocateModel::load(&base_source(locate)?, None)?);
        let answer = Arc::new(AnswerModel::load(&base_source(answer)?, None)?);
        let matching = Arc::new(MatchModel::load(&base_source(matching)?, None)?);
        let modules = BTreeMap::from([
            (SubTaskKind::Locate, untouched(locate_source, &locate)?),
            (SubTaskKind::Answer, untouched(sources[0], &answer)?),
            (SubTaskKind::Match, untouched(sources[1], &matching)?),
        ]);
        Ok(Self {
            locate,
            answer,
            matching,
            manifest: StudentManifest {
                format: StudentManifest::FORMAT,
                modules,
                history: Vec::new(),
                experts: Vec::new(),
            },
            experts: Vec::new(),
        })
    }

    /// The student with an adapter of Python's `peft` put onto one of its modules, which must be as
    /// its base is. The adapter is saved with the student.
    ///
    /// # Errors
    /// If the adapter cannot be read or does not fit.
    pub fn with_peft_adapter(mut self, kind: SubTaskKind, folder: &Path) -> Result<Self> {
        let (lora, additions) = load_adapter(folder)?;
        let from = folder.display().to_string();
        let unfit = |reason: &str| SetupError::Config {
            model: kind.name().to_owned(),
            file: from.clone(),
            reason: reason.to_owned(),
        };
        let Some(entry) = self.manifest.modules.get(&kind) else {
            return Err(unfit("a student has no module for this kind"));
        };
        if entry.weights.is_some() {
            return Err(unfit(
                "expected a module as its base is, found one that has learned",
            ));
        }
        let base = base_source(&entry.base.source)?;
        let method = TrainMethod::Lora(lora);
        match kind {
            SubTaskKind::Locate => {
                let model = extended(&self.locate, &base, additions, &from, &method)?;
                self.locate = Arc::new(model);
            }
            SubTaskKind::Match => {
                let model = extended(&self.matching, &base, additions, &from, &method)?;
                self.matching = Arc::new(model);
            }
            _ => {
                let model = extended(&self.answer, &base, additions, &from, &method)?;
                self.answer = Arc::new(model);
            }
        }
        if let Some(adapter) = self.trained_adapter(kind, method) {
            self.manifest.modules.insert(kind, adapter);
        }
        Ok(self)
    }

    /// The manifest's entry for a module after training it.
    pub fn trained_adapter(&self, kind: SubTaskKind, method: TrainMethod) -> Option<ModuleAdapter> {
        let before = self.manifest.modules.get(&kind)?;
        Some(ModuleAdapter {
            base: before.base.clone(),
            weights: Some(StudentManifest::weights_of(kind)),
            method,
        })
    }

    /// Number of scalars of the module of that kind.
    pub fn parameters(&self, kind: SubTaskKind) -> usize {
        self.params(kind).count()
    }

    pub(super) fn params(&self, kind: SubTaskKind) -> &Params {
        match kind {
            SubTaskKind::Locate => &self.locate.params,
            SubTaskKind::Match => &self.matching.params,
            _ => &self.answer.params,
        }
    }
}

/// The manifest's entry for a base that has learned nothing.
pub(super) fn untouched<N: StudentNetwork>(
    source: &str,
    model: &StudentModel<N>,
) -> Result<ModuleAdapter> {
    Ok(ModuleAdapter {
        base: BaseReference {
            source: source.to_owned(),
            fingerprint: model.fingerprint()?,
        },
        weights: None,
        method: TrainMethod::Full,
    })
}

/// A base by the name a manifest gives it.
pub(crate) fn base_source(name: &str) -> Result<ModelSource> {
    match name.strip_prefix("builtin:") {
        Some(builtin) => builtin_source(builtin),
        None => Ok(ModelSource::Folder(name.into())),
    }
}

/// A base's model with parameters that were learned beside its own or in their place.
pub(super) fn extended<N: StudentNetwork>(
    before: &StudentModel<N>,
    base: &ModelSource,
    learned: HashMap<String, Tensor>,
    from: &str,
    method: &TrainMethod,
) -> Result<StudentModel<N>> {
    let mut tensors = before.params.to_tensors();
    tensors.extend(learned);
    StudentModel::from_tensors(base, tensors, from, lora_of(method))
}

fn lora_of(method: &TrainMethod) -> Option<(LoraConfig, u64)> {
    // The seed only matters for tensors that the file lacks, which is refused when loading.
    method.lora().map(|config| (config.clone(), 0))
}
