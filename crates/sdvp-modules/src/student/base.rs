//! A student as it begins, and what it starts from.

use super::expert::Expert;
use super::learning::LearningModel;
use super::manifest::{BaseReference, ModuleAdapter, StudentManifest, TrainMethod};
use super::{AnswerModel, LocateModel, MatchModel};
use crate::builtin::builtin_source;
use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use sdvp_core::SubTaskKind;
use sdvp_models::load_adapter;
use sdvp_models::params::Params;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub(super) const BUILTIN_MATCH: &str = "builtin:match";

/// A complete student: one model per kind of sub-task, which are its trunk, and experts beside it.
#[derive(Clone)]
pub struct Student {
    /// Finds.
    pub locate: Arc<LocateModel>,
    /// Answers.
    pub answer: AnswerModel,
    /// Says how well texts fit.
    pub matching: MatchModel,
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
        let locate: Arc<LocateModel> = LearningModel::load(&base_source(locate)?)?;
        let answer = AnswerModel::load(&base_source(answer)?)?;
        let matching = MatchModel::load(&base_source(matching)?)?;
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
                self.locate = self.locate.extended(&base, additions, &from, &method)?;
            }
            SubTaskKind::Match => {
                self.matching = self.matching.extended(&base, additions, &from, &method)?;
            }
            _ => self.answer = self.answer.extended(&base, additions, &from, &method)?,
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
            SubTaskKind::Match => self.matching.params(),
            _ => self.answer.params(),
        }
    }
}

/// The manifest's entry for a base that has learned nothing.
pub(super) fn untouched(source: &str, model: &impl LearningModel) -> Result<ModuleAdapter> {
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
