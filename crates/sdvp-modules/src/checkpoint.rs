//! The weights in a model's folder: one file, or several with an index of what is where.

use crate::error::{Result, SetupError};
use crate::source::ModelSource;
use crate::student::MODEL_FILES;
use candle_core::{Device, Tensor};
use sdvp_models::params::Builder;
use sdvp_models::{ModelError, StoredTensor, TensorHeader, read_header, weights};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

pub(crate) const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// What older checkpoints have instead, in one file or several. It may run any code when it is read, so it
/// is not.
const PICKLED: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];

/// Where there are no weights that are read: what there is.
fn no_weights(source: &ModelSource) -> SetupError {
    match PICKLED.into_iter().find(|file| source.has(file)) {
        Some(file) => SetupError::Pickled {
            model: source.name(),
            file,
        },
        None => source.missing(WEIGHTS, MODEL_FILES),
    }
}

/// Whether a folder has weights that are read.
pub(crate) fn has_weights(source: &ModelSource) -> bool {
    source.has(WEIGHTS) || source.has(INDEX)
}

/// Where each tensor is.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The parameters in a model's weights, in one file or several.
///
/// # Errors
/// If there are none, or a file is damaged or has not what the index says.
pub(crate) fn read_tensors(source: &ModelSource) -> Result<HashMap<String, Tensor>> {
    tensors_of(source, &|file| read_file(source, file))
}

/// As [`read_tensors`], for a network that is only used: matrices stay in their files.
///
/// # Errors
/// As those of [`read_tensors`].
pub(crate) fn map_tensors(source: &ModelSource) -> Result<HashMap<String, StoredTensor>> {
    tensors_of(source, &|file| match source {
        ModelSource::Folder(folder) if source.has(file) => {
            Ok(weights::map_safetensors(&folder.join(file))?)
        }
        _ => {
            let read = read_file(source, file)?.into_iter();
            Ok(read.map(|(name, tensor)| (name, tensor.into())).collect())
        }
    })
}

/// What a model's weights are, in one file or several, each of which `read` reads.
fn tensors_of<T>(
    source: &ModelSource,
    read: &dyn Fn(&str) -> Result<HashMap<String, T>>,
) -> Result<HashMap<String, T>> {
    if source.has(WEIGHTS) {
        read(WEIGHTS)
    } else if source.has(INDEX) {
        read_parts(source, read)
    } else {
        Err(no_weights(source))
    }
}

/// What the weights in a folder are, by name, without reading them.
///
/// # Errors
/// If there are none, or a file is damaged.
pub(crate) fn read_headers(folder: &Path) -> Result<BTreeMap<String, TensorHeader>> {
    let source = ModelSource::Folder(folder.to_owned());
    let files = if !source.has(WEIGHTS) && source.has(INDEX) {
        parts(&source, &source.json(INDEX, MODEL_FILES)?)?
    } else if source.has(WEIGHTS) {
        BTreeSet::from([WEIGHTS.to_owned()])
    } else {
        return Err(no_weights(&source));
    };
    let mut headers = BTreeMap::new();
    for file in files {
        headers.extend(read_header(&folder.join(file))?);
    }
    Ok(headers)
}

/// The files that an index names.
fn parts(source: &ModelSource, index: &Index) -> Result<BTreeSet<String>> {
    let files: BTreeSet<String> = index.weight_map.values().cloned().collect();
    // A name, and no way to somewhere else.
    let leads_away = |file: &&String| file.contains(['/', '\\']) || file.starts_with('.');
    match files.iter().find(leads_away) {
        None => Ok(files),
        Some(file) => Err(SetupError::Config {
            model: source.name(),
            file: INDEX.to_owned(),
            reason: format!("expected names of files in the folder, found {file:?}"),
        }),
    }
}

fn read_parts<T>(
    source: &ModelSource,
    read: &dyn Fn(&str) -> Result<HashMap<String, T>>,
) -> Result<HashMap<String, T>> {
    let index: Index = source.json(INDEX, MODEL_FILES)?;
    let mut tensors = HashMap::new();
    let mut problems = Vec::new();
    for file in parts(source, &index)? {
        for (name, tensor) in read(&file)? {
            match index.weight_map.get(&name) {
                Some(expected) if *expected == file => {
                    tensors.insert(name, tensor);
                }
                Some(other) => {
                    problems.push(format!("{name}: expected in {other}, found in {file}"))
                }
                None => problems.push(format!("{name}: in {file}, but not in {INDEX}")),
            }
        }
    }
    let missing = index
        .weight_map
        .keys()
        .filter(|name| !tensors.contains_key(*name));
    problems.extend(missing.map(|name| format!("{name}: in {INDEX}, but in no file")));
    if problems.is_empty() {
        return Ok(tensors);
    }
    problems.sort();
    Err(SetupError::Weights {
        file: format!("{}/{INDEX}", source.name()),
        source: ModelError::Parameters(problems),
    })
}

/// The tensors in one file of a folder.
pub(crate) fn read_file(source: &ModelSource, file: &str) -> Result<HashMap<String, Tensor>> {
    match source {
        ModelSource::Folder(folder) if source.has(file) => {
            Ok(weights::read_safetensors(&folder.join(file), &Device::Cpu)?)
        }
        _ => {
            let bytes = source.read(file, MODEL_FILES)?;
            let name = format!("{}/{file}", source.name());
            Ok(weights::parse_safetensors(&bytes, &name, &Device::Cpu)?)
        }
    }
}

/// Whether a network took all of a checkpoint's weights, each of the right shape.
pub(crate) fn whole(b: Builder, source: &ModelSource) -> Result<()> {
    match b.finish() {
        Ok(_) => Ok(()),
        Err(error) => Err(SetupError::Weights {
            file: source.name(),
            source: error,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::DType;

    fn tensors(names: &[&str]) -> HashMap<String, Tensor> {
        let tensor = || Tensor::ones(2, DType::F32, &Device::Cpu).unwrap();
        names
            .iter()
            .map(|name| ((*name).to_owned(), tensor()))
            .collect()
    }

    fn write(folder: &Path, file: &str, names: &[&str]) {
        weights::write_safetensors(&folder.join(file), &tensors(names), DType::F32).unwrap();
    }

    fn index(folder: &Path, map: &[(&str, &str)]) {
        let map: BTreeMap<&str, &str> = map.iter().copied().collect();
        let text = serde_json::json!({ "metadata": {}, "weight_map": map }).to_string();
        std::fs::write(folder.join(INDEX), text).unwrap();
    }

    fn read(folder: &Path) -> std::result::Result<Vec<String>, String> {
        let source = ModelSource::Folder(folder.to_owned());
        let tensors = read_tensors(&source).map_err(|error| error.to_string())?;
        let mut names: Vec<String> = tensors.into_keys().collect();
        names.sort();
        Ok(names)
    }

    #[test]
    fn weights_in_parts_are_read_as_the_index_says() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "one.safetensors", &["a", "b"]);
        write(folder, "two.safetensors", &["c"]);
        let map = [
            ("a", "one.safetensors"),
            ("b", "one.safetensors"),
            ("c", "two.safetensors"),
        ];
        index(folder, &map);
        assert_eq!(read(folder).unwrap(), ["a", "b", "c"]);

        index(
            folder,
            &[map[0], ("b", "two.safetensors"), ("d", "two.safetensors")],
        );
        let error = read(folder).unwrap_err();
        for part in [
            "b: expected in two.safetensors, found in one.safetensors",
            "c: in two.safetensors, but not in",
            "d: in model.safetensors.index.json, but in no file",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
        index(folder, &[("a", "../one.safetensors")]);
        assert!(read(folder).unwrap_err().contains("../one.safetensors"));
        index(folder, &[("a", "three.safetensors")]);
        assert!(read(folder).unwrap_err().contains("three.safetensors"));
    }

    #[test]
    fn pickles_are_refused_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().contains(WEIGHTS));
        for file in PICKLED.into_iter().rev() {
            std::fs::write(folder.path().join(file), b"\x80").unwrap();
            let errors = [
                read(folder.path()).unwrap_err(),
                read_headers(folder.path()).unwrap_err().to_string(),
            ];
            for error in errors {
                assert!(error.contains("save_pretrained"), "{error}");
                assert!(error.contains(file), "{error}");
            }
        }
    }
}
