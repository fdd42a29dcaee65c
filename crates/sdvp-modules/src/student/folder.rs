//! A student on disk.

use super::base::{BUILTIN_MATCH, base_source, untouched};
use super::expert::{Expert, StudentPart};
use super::learning::LearningModel;
use super::manifest::{ModuleAdapter, StudentManifest};
use super::model::create_folder;
use super::{MatchModel, Student};
use crate::checkpoint::{read_file, read_tensors};
use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use candle_core::{DType, Tensor};
use sdvp_core::{Digest, SubTaskKind};
use sdvp_models::params::Params;
use sdvp_models::{ModelError, is_addition, save_adapter, weights};
use std::collections::HashMap;
use std::collections::btree_map::Entry;
use std::path::Path;

const MANIFEST: &str = "student.json";
const STUDENT_FILES: &str = "student.json and the weight files it names";

impl Student {
    /// Reads a student's folder. One from before there was a match module gets the shipped one.
    ///
    /// # Errors
    /// If a file is missing, does not fit, or the base is not the one it was trained on.
    pub fn load(folder: &Path) -> Result<Self> {
        let source = ModelSource::Folder(folder.to_owned());
        let mut manifest: StudentManifest = source.json(MANIFEST, STUDENT_FILES)?;
        let checked = manifest.check();
        checked.map_err(|reason| SetupError::Config {
            model: source.name(),
            file: MANIFEST.to_owned(),
            reason,
        })?;
        if let Entry::Vacant(missing) = manifest.modules.entry(SubTaskKind::Match) {
            let model = MatchModel::load(&base_source(BUILTIN_MATCH)?)?;
            missing.insert(untouched(BUILTIN_MATCH, &model)?);
        }
        let (locate, locates) = models(&source, &manifest, SubTaskKind::Locate)?;
        let (answer, answers) = models(&source, &manifest, SubTaskKind::Answer)?;
        let (matching, matchings) = models(&source, &manifest, SubTaskKind::Match)?;
        let experts = locates.into_iter().zip(answers).zip(matchings);
        let experts = experts.map(|((locate, answer), matching)| Expert {
            locate,
            answer,
            matching,
        });
        Ok(Self {
            locate,
            answer,
            matching,
            experts: experts.collect(),
            manifest,
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
            save_module(folder, self.params(*kind), adapter)?;
        }
        for (place, expert) in self.manifest.experts.iter().enumerate() {
            let student = self.at(StudentPart::Expert(place));
            for (kind, adapter) in &expert.modules {
                save_module(folder, student.params(*kind), adapter)?;
            }
        }
        let text = format!("{:#}\n", serde_json::json!(self.manifest));
        Ok(weights::write_whole(
            &folder.join(MANIFEST),
            text.as_bytes(),
        )?)
    }
}

/// Writes what a module learned, if it did.
fn save_module(folder: &Path, params: &Params, adapter: &ModuleAdapter) -> Result<()> {
    let Some(file) = &adapter.weights else {
        return Ok(());
    };
    let base = read_tensors(&base_source(&adapter.base.source)?)?;
    let tensors = learned_tensors(params, &base)?;
    let file = folder.join(file);
    weights::write_safetensors(&file, &tensors, DType::F32)?;
    let name = file.file_stem().unwrap_or_default().display();
    let own = folder.join(format!("{name}-adapter"));
    forget(&own)?;
    // Only what stands on the base as it is can be used beside it.
    if let Some(lora) = adapter.method.lora()
        && !tensors.is_empty()
        && tensors.keys().all(|name| is_addition(name))
    {
        let base = adapter.base.source.as_str();
        let base = Some(base).filter(|base| !base.starts_with("builtin:"));
        save_adapter(&own, base, lora, &tensors)?;
    }
    Ok(())
}

/// A kind's models: the trunk's, and of every expert its own, if it has learned this kind. Bases that
/// they share are read once.
type Models<M> = (M, Vec<Option<M>>);

fn models<M: LearningModel>(
    student: &ModelSource,
    manifest: &StudentManifest,
    kind: SubTaskKind,
) -> Result<Models<M>> {
    let missing = || SetupError::Config {
        model: student.name(),
        file: MANIFEST.to_owned(),
        reason: format!("no module for {kind}"),
    };
    let trunk = manifest.modules.get(&kind).ok_or_else(missing)?;
    let base: M = base_of(student, trunk)?;
    let experts = manifest.experts.iter().map(|expert| {
        let Some(adapter) = expert.modules.get(&kind) else {
            return Ok(None);
        };
        let base = match adapter.base == trunk.base {
            true => base.clone(),
            false => base_of(student, adapter)?,
        };
        taught(student, adapter, base).map(Some)
    });
    let experts = experts.collect::<Result<_>>()?;
    Ok((taught(student, trunk, base)?, experts))
}

/// The base of an adapter.
fn base_of<M: LearningModel>(student: &ModelSource, adapter: &ModuleAdapter) -> Result<M> {
    let base = M::load(&base_source(&adapter.base.source)?)?;
    check_base(student, adapter, base.fingerprint()?)?;
    Ok(base)
}

/// A base with what an adapter has learned.
fn taught<M: LearningModel>(student: &ModelSource, adapter: &ModuleAdapter, base: M) -> Result<M> {
    let Some(learned) = learned(student, adapter)? else {
        return Ok(base);
    };
    let source = base_source(&adapter.base.source)?;
    let from = weights_name(student, adapter);
    base.extended(&source, learned, &from, &adapter.method)
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
    if !source.has(file) {
        return Err(source.missing(file, STUDENT_FILES));
    }
    read_file(source, file).map(Some)
}

/// Where an adapter's values are, for messages.
fn weights_name(student: &ModelSource, adapter: &ModuleAdapter) -> String {
    let file = adapter.weights.as_deref().unwrap_or(MANIFEST);
    format!("{}/{file}", student.name())
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
