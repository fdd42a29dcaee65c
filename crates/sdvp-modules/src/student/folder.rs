//! A student on disk: which base it starts from, and what it has learned since.

use super::bases::Bases;
use super::domain::Domain;
use super::model::{StudentModel, StudentNetwork, create_folder};
use super::{AnswerModel, LocateModel, MatchModel};
use crate::builtin::builtin_source;
use crate::checkpoint::read_tensors;
use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use candle_core::{DType, Device, Tensor};
use sdvp_core::{Digest, SubTaskKind};
use sdvp_models::params::Params;
use sdvp_models::{LoraConfig, ModelError, load_adapter, save_adapter, weights};
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

/// `student.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudentManifest {
    /// Version of this layout.
    pub format: u32,
    /// The modules, by kind.
    pub modules: BTreeMap<SubTaskKind, ModuleAdapter>,
    /// The tasks it was distilled on, in order.
    pub history: Vec<String>,
    /// The pictures for which what was learned answers, if those are told from others; for all pictures
    /// if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<Domain>,
}

const MANIFEST: &str = "student.json";
const FORMAT: u32 = 1;
const BUILTIN_MATCH: &str = "builtin:match";
const STUDENT_FILES: &str = "student.json and the weight files it names";

/// A complete student: one model per kind of sub-task.
#[derive(Clone)]
pub struct Student {
    /// Finds.
    pub locate: Arc<LocateModel>,
    /// Answers.
    pub answer: Arc<AnswerModel>,
    /// Says how well texts fit.
    pub matching: Arc<MatchModel>,
    /// What it was before it learned anything, if that is known or needed: a student with domains
    /// answers by it elsewhere.
    pub bases: Option<Bases>,
    /// Where it came from.
    pub manifest: StudentManifest,
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
        let bases = Bases {
            locate: Arc::new(LocateModel::load(&base_source(locate)?, None)?),
            answer: Arc::new(AnswerModel::load(&base_source(answer)?, None)?),
            matching: Arc::new(MatchModel::load(&base_source(matching)?, None)?),
        };
        let modules = BTreeMap::from([
            (SubTaskKind::Locate, untouched(locate, &bases.locate)?),
            (SubTaskKind::Answer, untouched(answer, &bases.answer)?),
            (SubTaskKind::Match, untouched(matching, &bases.matching)?),
        ]);
        Ok(Self {
            locate: Arc::clone(&bases.locate),
            answer: Arc::clone(&bases.answer),
            matching: Arc::clone(&bases.matching),
            bases: Some(bases),
            manifest: StudentManifest {
                format: FORMAT,
                modules,
                history: Vec::new(),
                domains: Vec::new(),
            },
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

    /// The same student, to compute on a device.
    ///
    /// # Errors
    /// If it does not fit on it.
    pub fn on(self, device: &Device) -> Result<Self> {
        if device.is_cpu() {
            return Ok(self);
        }
        let there = Self {
            locate: Arc::new(self.locate.on(device)?),
            answer: Arc::new(self.answer.on(device)?),
            matching: Arc::new(self.matching.on(device)?),
            bases: None,
            manifest: self.manifest.clone(),
        };
        let bases = self.bases.as_ref();
        let bases = bases
            .map(|bases| bases.on(device, &self, &there))
            .transpose()?;
        Ok(Self { bases, ..there })
    }

    /// Reads a student's folder. One from before there was a match module gets the shipped one.
    ///
    /// # Errors
    /// If a file is missing, does not fit, or the base is not the one it was trained on.
    pub fn load(folder: &Path) -> Result<Self> {
        let source = ModelSource::Folder(folder.to_owned());
        let mut manifest: StudentManifest = source.json(MANIFEST, STUDENT_FILES)?;
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
        for domain in &manifest.domains {
            let checked = domain.check();
            checked.map_err(|error| invalid(error.to_string()))?;
        }
        let [locate_base, locate] = trained(&source, adapter(SubTaskKind::Locate)?)?;
        let [answer_base, answer] = trained(&source, adapter(SubTaskKind::Answer)?)?;
        let [match_base, matching] = match manifest.modules.get(&SubTaskKind::Match) {
            Some(adapter) => trained(&source, adapter)?,
            None => {
                let model = Arc::new(MatchModel::load(&base_source(BUILTIN_MATCH)?, None)?);
                let adapter = untouched(BUILTIN_MATCH, &model)?;
                manifest.modules.insert(SubTaskKind::Match, adapter);
                [Arc::clone(&model), model]
            }
        };
        let bases = Bases {
            locate: locate_base,
            answer: answer_base,
            matching: match_base,
        };
        let student = Self {
            locate,
            answer,
            matching,
            bases: Some(bases),
            manifest,
        };
        Ok(match student.can_tell_apart() {
            true => student,
            // They would only take up memory.
            false => Self {
                bases: None,
                ..student
            },
        })
    }

    /// Writes the student's folder: of every module the parameters that its base has not, or has
    /// otherwise. Low-rank additions to an untouched base are also written as `peft` has them. The
    /// manifest comes last, so that a folder with one is complete.
    ///
    /// # Errors
    /// If a base cannot be read or the folder not written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        create_folder(folder)?;
        for (kind, adapter) in &self.manifest.modules {
            if let Some(file) = &adapter.weights {
                let params = self.params(*kind);
                let base = read_tensors(&base_source(&adapter.base.source)?)?;
                let tensors = learned_tensors(params, &base)?;
                weights::write_safetensors(&folder.join(file), &tensors, DType::F32)?;
                let own = folder.join(format!("{}-adapter", kind.name()));
                forget(&own)?;
                // Only what stands on the base as it is can be used beside it.
                if let Some(lora) = adapter.method.lora()
                    && !tensors.is_empty()
                    && tensors.keys().all(|name| name.contains(".lora_"))
                {
                    let base = adapter.base.source.as_str();
                    let base = Some(base).filter(|base| !base.starts_with("builtin:"));
                    save_adapter(&own, base, lora, &tensors)?;
                }
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

    /// Number of scalars of the module of that kind.
    pub fn parameters(&self, kind: SubTaskKind) -> usize {
        self.params(kind).count()
    }

    fn params(&self, kind: SubTaskKind) -> &Params {
        match kind {
            SubTaskKind::Locate => &self.locate.params,
            SubTaskKind::Match => &self.matching.params,
            _ => &self.answer.params,
        }
    }
}

/// A base's model with parameters that were learned beside its own or in their place.
fn extended<N: StudentNetwork>(
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

/// Removes a folder that an earlier save may have left.
fn forget(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(SetupError::Io {
            path: folder.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// The manifest's entry for a base that has learned nothing.
fn untouched<N: StudentNetwork>(source: &str, model: &StudentModel<N>) -> Result<ModuleAdapter> {
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

/// The base of an adapter, and the same with what it learned.
fn trained<N: StudentNetwork>(
    student: &ModelSource,
    adapter: &ModuleAdapter,
) -> Result<[Arc<StudentModel<N>>; 2]> {
    let base = base_source(&adapter.base.source)?;
    let before = Arc::new(StudentModel::<N>::load(&base, None)?);
    check_base(student, adapter, before.fingerprint()?)?;
    let Some(learned) = learned(student, adapter)? else {
        return Ok([Arc::clone(&before), before]);
    };
    let from = weights_name(student, adapter);
    let after = extended(&before, &base, learned, &from, &adapter.method)?;
    Ok([before, Arc::new(after)])
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
    Ok(Some(weights::parse_safetensors(
        &bytes,
        &weights_name(source, adapter),
        &Device::Cpu,
    )?))
}

/// Where an adapter's values are, for messages.
fn weights_name(student: &ModelSource, adapter: &ModuleAdapter) -> String {
    let file = adapter.weights.as_deref().unwrap_or(MANIFEST);
    format!("{}/{file}", student.name())
}

fn lora_of(method: &TrainMethod) -> Option<(LoraConfig, u64)> {
    // The seed only matters for tensors that the file lacks, which is refused when loading.
    method.lora().map(|config| (config.clone(), 0))
}

fn learned_tensors(
    params: &Params,
    base: &HashMap<String, Tensor>,
) -> std::result::Result<HashMap<String, Tensor>, ModelError> {
    let values = |tensor: &Tensor| -> std::result::Result<Vec<f32>, ModelError> {
        Ok(tensor
            .flatten_all()?
            .to_dtype(DType::F32)?
            .to_vec1::<f32>()?)
    };
    let mut learned = params.to_tensors();
    for (name, before) in base {
        if let Some(now) = learned.get(name)
            && now.dims() == before.dims()
            && values(now)? == values(before)?
        {
            learned.remove(name);
        }
    }
    Ok(learned)
}
