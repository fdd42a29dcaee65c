//! A student on disk: which base it starts from, and what it has learned since.

use super::{AnswerModel, AnswerStudent, LocateModel, LocateStudent};
use crate::builtin::builtin_source;
use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use candle_core::{DType, Device, Tensor};
use sdvp_core::{Digest, Module, SubTaskKind};
use sdvp_models::params::Params;
use sdvp_models::{LoraConfig, weights};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// What of a module learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum TrainMethod {
    /// Every weight.
    Full,
    /// Low-rank additions to the linear layers whose names hold one of the patterns
    /// (Hu et al. 2021, arXiv 2106.09685).
    Lora(LoraConfig),
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

/// `student.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudentManifest {
    /// Version of this layout.
    pub format: u32,
    /// The modules, by kind.
    pub modules: BTreeMap<SubTaskKind, ModuleAdapter>,
    /// The tasks it was distilled on, in order.
    pub history: Vec<String>,
}

const MANIFEST: &str = "student.json";
const FORMAT: u32 = 1;
const STUDENT_FILES: &str = "student.json and the weight files it names";

/// A complete student: one model per kind of sub-task.
#[derive(Clone)]
pub struct Student {
    /// Finds.
    pub locate: Arc<LocateModel>,
    /// Answers.
    pub answer: Arc<AnswerModel>,
    /// Where it came from.
    pub manifest: StudentManifest,
}

impl Student {
    /// The shipped student, as pretrained.
    ///
    /// # Errors
    /// If the shipped files are damaged.
    pub fn builtin() -> Result<Self> {
        Self::from_bases("builtin:locate", "builtin:answer")
    }

    /// A student that is its two bases, each `builtin:NAME` or a folder.
    ///
    /// # Errors
    /// If a base cannot be loaded.
    pub fn from_bases(locate: &str, answer: &str) -> Result<Self> {
        let locate_model = LocateModel::load(&base_source(locate)?, None)?;
        let answer_model = AnswerModel::load(&base_source(answer)?, None)?;
        let untouched = |source: &str, fingerprint| ModuleAdapter {
            base: BaseReference {
                source: source.to_owned(),
                fingerprint,
            },
            weights: None,
            method: TrainMethod::Full,
        };
        let modules = BTreeMap::from([
            (
                SubTaskKind::Locate,
                untouched(locate, locate_model.fingerprint()?),
            ),
            (
                SubTaskKind::Answer,
                untouched(answer, answer_model.fingerprint()?),
            ),
        ]);
        Ok(Self {
            locate: Arc::new(locate_model),
            answer: Arc::new(answer_model),
            manifest: StudentManifest {
                format: FORMAT,
                modules,
                history: Vec::new(),
            },
        })
    }

    /// Reads a student's folder.
    ///
    /// # Errors
    /// If a file is missing, does not fit, or the base is not the one it was trained on.
    pub fn load(folder: &Path) -> Result<Self> {
        let source = ModelSource::Folder(folder.to_owned());
        let manifest: StudentManifest = source.json(MANIFEST, STUDENT_FILES)?;
        let invalid = |reason: String| SetupError::Config {
            model: source.name(),
            file: MANIFEST.to_owned(),
            reason,
        };
        if manifest.format != FORMAT {
            return Err(invalid(format!(
                "expected format {FORMAT}, found {}",
                manifest.format
            )));
        }
        let adapter = |kind: SubTaskKind| {
            manifest
                .modules
                .get(&kind)
                .ok_or_else(|| invalid(format!("no module for {kind}")))
        };
        let (locate, answer) = (adapter(SubTaskKind::Locate)?, adapter(SubTaskKind::Answer)?);
        let base = base_source(&locate.base.source)?;
        let before = LocateModel::load(&base, None)?;
        check_base(&source, locate, before.fingerprint()?)?;
        let locate_model = match learned(&source, locate)? {
            None => before,
            Some(values) => {
                let tensors = merged(before.params.to_tensors(), values);
                LocateModel::from_tensors(&base, tensors, lora_of(&locate.method))?
            }
        };
        let base = base_source(&answer.base.source)?;
        let before = AnswerModel::load(&base, None)?;
        check_base(&source, answer, before.fingerprint()?)?;
        let answer_model = match learned(&source, answer)? {
            None => before,
            Some(values) => {
                let tensors = merged(before.params.to_tensors(), values);
                AnswerModel::from_tensors(&base, tensors, lora_of(&answer.method))?
            }
        };
        Ok(Self {
            locate: Arc::new(locate_model),
            answer: Arc::new(answer_model),
            manifest,
        })
    }

    /// Writes the student's folder; the manifest last, so that a folder with one is complete.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        create_folder(folder)?;
        for (kind, adapter) in &self.manifest.modules {
            if let Some(file) = &adapter.weights {
                let params = match kind {
                    SubTaskKind::Locate => &self.locate.params,
                    _ => &self.answer.params,
                };
                let tensors = learned_tensors(params, &adapter.method);
                weights::write_safetensors(&folder.join(file), &tensors, DType::F32)?;
            }
        }
        let text = format!("{:#}\n", serde_json::json!(self.manifest));
        Ok(weights::write_whole(
            &folder.join(MANIFEST),
            text.as_bytes(),
        )?)
    }

    /// The manifest's entry for a module after training it.
    pub fn trained_adapter(&self, kind: SubTaskKind, method: TrainMethod) -> Option<ModuleAdapter> {
        let before = self.manifest.modules.get(&kind)?;
        Some(ModuleAdapter {
            base: before.base.clone(),
            weights: Some(format!("{}.safetensors", kind.name())),
            method,
        })
    }

    /// The student as modules, frozen as it is now.
    ///
    /// # Errors
    /// If parameters cannot be read.
    pub fn modules(&self) -> Result<Vec<Arc<dyn Module>>> {
        Ok(vec![
            Arc::new(LocateStudent::new(Arc::clone(&self.locate))?),
            Arc::new(AnswerStudent::new(Arc::clone(&self.answer))?),
        ])
    }

    /// As [`Student::modules`], remembering nothing about images between calls: how the reference
    /// code runs, for comparison.
    ///
    /// # Errors
    /// If parameters cannot be read.
    pub fn modules_without_memory(&self) -> Result<Vec<Arc<dyn Module>>> {
        Ok(vec![
            Arc::new(LocateStudent::with_memory(Arc::clone(&self.locate), 1)?),
            Arc::new(AnswerStudent::new(Arc::clone(&self.answer))?),
        ])
    }

    /// Number of scalars of the module of that kind.
    pub fn parameters(&self, kind: SubTaskKind) -> usize {
        match kind {
            SubTaskKind::Locate => self.locate.params.count(),
            _ => self.answer.params.count(),
        }
    }
}

/// A base by the name a manifest gives it.
pub(crate) fn base_source(name: &str) -> Result<ModelSource> {
    match name.strip_prefix("builtin:") {
        Some(builtin) => builtin_source(builtin),
        None => Ok(ModelSource::Folder(name.into())),
    }
}

fn check_base(student: &ModelSource, adapter: &ModuleAdapter, found: Digest) -> Result<()> {
    if found == adapter.base.fingerprint {
        return Ok(());
    }
    Err(SetupError::OtherBase {
        student: student.name(),
        base: adapter.base.source.clone(),
        expected: adapter.base.fingerprint.short(),
        found: found.short(),
    })
}

fn learned(
    source: &ModelSource,
    adapter: &ModuleAdapter,
) -> Result<Option<HashMap<String, Tensor>>> {
    let Some(file) = &adapter.weights else {
        return Ok(None);
    };
    let bytes = source.read(file, STUDENT_FILES)?;
    let name = format!("{}/{file}", source.name());
    Ok(Some(weights::parse_safetensors(
        &bytes,
        &name,
        &Device::Cpu,
    )?))
}

fn merged(
    mut base: HashMap<String, Tensor>,
    learned: HashMap<String, Tensor>,
) -> HashMap<String, Tensor> {
    base.extend(learned);
    base
}

fn lora_of(method: &TrainMethod) -> Option<(LoraConfig, u64)> {
    match method {
        TrainMethod::Full => None,
        // The seed only matters for tensors that the file lacks, which is refused when loading.
        TrainMethod::Lora(config) => Some((config.clone(), 0)),
    }
}

fn learned_tensors(params: &Params, method: &TrainMethod) -> HashMap<String, Tensor> {
    let mut tensors = params.to_tensors();
    if matches!(method, TrainMethod::Lora(_)) {
        tensors.retain(|name, _| name.contains(".lora_"));
    }
    tensors
}

pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|source| SetupError::Io {
        path: folder.to_owned(),
        source,
    })
}
