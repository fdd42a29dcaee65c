//! Weights on disk: safetensors files, written whole or not at all.

use crate::error::{ModelError, Result};
use crate::header::{self, Opened};
use crate::kernels::{MappedFile, MappedWeight};
use crate::params::Params;
use crate::stored::{Stored, StoredTensor};
use candle_core::{CpuStorage, DType, Device, Storage, Tensor, Var};
use rayon::prelude::*;
use safetensors::tensor::TensorInfo;
use sdvp_core::{Digest, Hasher};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

/// Reads every tensor of a safetensors file, several at once. What is stored in single precision goes
/// from the file to where it stays: a network that is loaded from it does not copy it, but trains it in
/// place. Of anything else, as many tensors as there are threads are in memory twice.
///
/// # Errors
/// If the file is missing, not safetensors, or truncated; the message names it.
pub fn read_safetensors(path: &Path, device: &Device) -> Result<HashMap<String, Tensor>> {
    let opened = header::open(path)?;
    each_tensor(&opened, |name, info| {
        read_named(path, &opened, name, info, device)
    })
}

/// What `read` says of every tensor of a file, of several at once.
fn each_tensor<T: Send>(
    opened: &Opened,
    read: impl Fn(&str, &TensorInfo) -> Result<T> + Sync,
) -> Result<HashMap<String, T>> {
    let stored: Vec<(String, &TensorInfo)> = opened.header.tensors().into_iter().collect();
    let tensors = stored.into_par_iter().map(|(name, info)| {
        let tensor = read(&name, info)?;
        Ok((name, tensor))
    });
    tensors.collect()
}

fn read_named(
    path: &Path,
    opened: &Opened,
    name: &str,
    info: &TensorInfo,
    device: &Device,
) -> Result<Tensor> {
    read_tensor(&opened.file, opened.start, info, device).map_err(|fault| match fault {
        Fault::Unreadable(source) => ModelError::Io {
            path: path.to_owned(),
            source,
        },
        Fault::Damaged(reason) => ModelError::Weights {
            file: path.display().to_string(),
            reason: format!("{name}: {reason}"),
        },
    })
}

/// As [`read_safetensors`], for a network that is only used: matrices in single precision stay in the file,
/// which is mapped, and must not be written into as long as they are used.
///
/// # Errors
/// As those of [`read_safetensors`].
pub fn map_safetensors(path: &Path) -> Result<HashMap<String, StoredTensor>> {
    let opened = header::open(path)?;
    let file = MappedFile::new(&opened.file).map_err(|source| ModelError::Io {
        path: path.to_owned(),
        source,
    })?;
    let start = opened.start as usize;
    let mapped = |info: &TensorInfo| {
        let (from, to) = info.data_offsets;
        let bytes = start.checked_add(from)?..start.checked_add(to)?;
        match info.dtype {
            safetensors::Dtype::F32 => MappedWeight::new(&file, bytes, &info.shape),
            _ => None,
        }
    };
    each_tensor(&opened, |name, info| {
        Ok(StoredTensor(match mapped(info) {
            Some(weight) => Stored::Mapped(weight),
            None => Stored::Held(read_named(path, &opened, name, info, &Device::Cpu)?),
        }))
    })
}

/// Why a tensor could not be read.
enum Fault {
    Unreadable(std::io::Error),
    Damaged(String),
}

fn read_tensor(
    file: &File,
    start: u64,
    info: &TensorInfo,
    device: &Device,
) -> std::result::Result<Tensor, Fault> {
    let damaged = |error: candle_core::Error| Fault::Damaged(error.to_string());
    let (from, to) = info.data_offsets;
    let at = start + from as u64;
    if info.dtype == safetensors::Dtype::F32 && cfg!(target_endian = "little") {
        let mut values = vec![0f32; (to - from) / size_of::<f32>()];
        read_at(file, bytemuck::cast_slice_mut(&mut values), at).map_err(Fault::Unreadable)?;
        // A variable from the first: `Var::from_tensor` would copy it into one.
        let variable = Var::from_vec(values, info.shape.as_slice(), device);
        return variable.map(Var::into_inner).map_err(damaged);
    }
    let mut bytes = vec![0; to - from];
    read_at(file, &mut bytes, at).map_err(Fault::Unreadable)?;
    DType::try_from(info.dtype)
        .and_then(|dtype| Tensor::from_raw_buffer(&bytes, dtype, &info.shape, device))
        .map_err(damaged)
}

/// Fills `bytes` with what a file has from `at` on; others may read it at the same time.
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
    }
    #[cfg(not(unix))]
    {
        // A handle has one place; readers take turns.
        static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut file = file;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(at))?;
        std::io::Read::read_exact(&mut file, bytes)
    }
}

/// Every tensor of a safetensors file held in memory; `name` is for messages.
///
/// # Errors
/// If the bytes are not safetensors or truncated.
pub fn parse_safetensors(
    bytes: &[u8],
    name: &str,
    device: &Device,
) -> Result<HashMap<String, Tensor>> {
    candle_core::safetensors::load_buffer(bytes, device).map_err(|error| ModelError::Weights {
        file: name.to_owned(),
        reason: error.to_string(),
    })
}

/// Writes tensors as safetensors, cast to `dtype`, by way of a temporary file.
///
/// # Errors
/// If the disk is full or the folder cannot be written; nothing half-written stays.
pub fn write_safetensors(
    path: &Path,
    tensors: &HashMap<String, Tensor>,
    dtype: DType,
) -> Result<()> {
    let cast = tensors
        .iter()
        .map(|(name, tensor)| Ok((name.clone(), tensor.to_dtype(dtype)?)))
        .collect::<Result<_>>()?;
    write_whole(path, &to_safetensors(&cast, path)?)
}

/// Tensors as a safetensors file holds them, each in its own type; `path` is for messages.
///
/// # Errors
/// If a tensor cannot be read back from its device.
pub fn to_safetensors(tensors: &HashMap<String, Tensor>, path: &Path) -> Result<Vec<u8>> {
    let ordered: BTreeMap<&String, Tensor> = tensors
        .iter()
        .map(|(name, tensor)| Ok((name, tensor.contiguous()?)))
        .collect::<Result<_>>()?;
    safetensors::serialize(
        ordered.iter().map(|(name, tensor)| (name.as_str(), tensor)),
        None,
    )
    .map_err(|e| ModelError::Weights {
        file: path.display().to_string(),
        reason: e.to_string(),
    })
}

/// Writes a file, so that readers see all of it or nothing.
///
/// # Errors
/// As the system reports; the message names the file.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    sdvp_core::write_whole(path, bytes).map_err(|source| ModelError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Identity of a set of parameters: names, shapes and exact values.
///
/// # Errors
/// If a tensor cannot be read back from its device.
pub fn fingerprint(params: &Params) -> Result<Digest> {
    fingerprint_of(&params.to_tensors())
}

/// As [`fingerprint`], of tensors by name.
///
/// # Errors
/// If a tensor cannot be read back from its device.
pub fn fingerprint_of(tensors: &HashMap<String, Tensor>) -> Result<Digest> {
    let held = tensors.iter();
    let held = held.map(|(name, tensor)| (name.clone(), tensor.clone().into()));
    fingerprint_of_stored(&held.collect())
}

/// As [`fingerprint_of`], of tensors that may still be in their files.
///
/// # Errors
/// If a tensor cannot be read back.
pub fn fingerprint_of_stored(tensors: &HashMap<String, StoredTensor>) -> Result<Digest> {
    let tensors: BTreeMap<&String, &StoredTensor> = tensors.iter().collect();
    let mut hasher = Hasher::new("weights");
    for (name, StoredTensor(tensor)) in tensors {
        hasher = hasher
            .part(name.as_bytes())
            .part(format!("{:?}", tensor.shape().dims()).as_bytes());
        hasher = match tensor {
            Stored::Held(tensor) => with_values(hasher, tensor)?,
            Stored::Mapped(weight) => hasher.part(bytemuck::cast_slice(weight.values())),
        };
    }
    Ok(hasher.finish())
}

/// The little-endian bytes of a tensor's values in single precision; where they lie so in memory, they
/// are not copied.
fn with_values(hasher: Hasher, tensor: &Tensor) -> Result<Hasher> {
    let tensor = tensor.to_dtype(DType::F32)?.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    if cfg!(target_endian = "little")
        && let Storage::Cpu(CpuStorage::F32(values)) = &*storage
        && let Some((from, to)) = layout.contiguous_offsets()
        && let Some(values) = values.get(from..to)
    {
        return Ok(hasher.part(bytemuck::cast_slice(values)));
    }
    drop(storage);
    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Ok(hasher.part(&bytes))
}

/// Values of which a copy is made at a time.
const FINGERPRINTED: usize = 1 << 20;

/// Identity of tensors by name, as [`fingerprint_of`] but another digest: of networks so large that
/// no tensor is to be copied as a whole. Whatever precision holds the same values, it is the same.
///
/// # Errors
/// If a tensor cannot be read back from its device.
pub fn fingerprint_in_pieces(tensors: &HashMap<String, Tensor>) -> Result<Digest> {
    let ordered: BTreeMap<&String, &Tensor> = tensors.iter().collect();
    let ordered: Vec<(&String, &Tensor)> = ordered.into_iter().collect();
    let digests: Vec<Digest> = ordered
        .par_iter()
        .map(|(name, tensor)| {
            let mut hasher = Hasher::new("tensor")
                .part(name.as_bytes())
                .part(format!("{:?}", tensor.dims()).as_bytes());
            let values = tensor.flatten_all()?;
            for from in (0..values.elem_count()).step_by(FINGERPRINTED) {
                let length = FINGERPRINTED.min(values.elem_count() - from);
                hasher = with_values(hasher, &values.narrow(0, from, length)?)?;
            }
            Ok(hasher.finish())
        })
        .collect::<Result<_>>()?;
    let all = Hasher::new("weights in pieces");
    let add = |all: Hasher, digest: &Digest| all.part(digest.as_bytes());
    Ok(digests.iter().fold(all, add).finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Builder, Init};

    #[test]
    fn fingerprints_are_those_of_the_bytes_however_a_tensor_lies_in_memory() {
        let values: Vec<f32> = (0..200_000).map(|i| i as f32 * 0.37 - 9.0).collect();
        let plain = Tensor::from_vec(values.clone(), (400, 500), &Device::Cpu).unwrap();
        let of = |tensor: &Tensor| {
            fingerprint_of(&HashMap::from([("w".to_owned(), tensor.clone())])).unwrap()
        };
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let expected = Hasher::new("weights")
            .part(b"w")
            .part(b"[400, 500]")
            .part(&bytes);
        assert_eq!(of(&plain), expected.finish());
        let turned = plain.t().unwrap().contiguous().unwrap().t().unwrap();
        assert_eq!(of(&turned), expected.finish());
        let more = Tensor::cat(&[&plain, &plain], 0).unwrap();
        assert_eq!(of(&more.narrow(0, 400, 400).unwrap()), expected.finish());
        assert_ne!(of(&more.narrow(0, 1, 400).unwrap()), expected.finish());
    }

    #[test]
    fn a_network_takes_what_is_read_in_single_precision_without_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let tensor = Tensor::new(&[1.0f32, -2.5], &Device::Cpu).unwrap();
        let tensors = HashMap::from([("a".to_owned(), tensor)]);
        write_safetensors(&path, &tensors, DType::F32).unwrap();
        let read = read_safetensors(&path, &Device::Cpu).unwrap();
        let loaded = Builder::load(read.clone(), &Device::Cpu);
        loaded.get(2, "a", Init::Zeros).unwrap();
        let params = loaded.finish().unwrap();
        let trained = Tensor::new(&[3.0f32, 4.0], &Device::Cpu).unwrap();
        params.get("a").unwrap().set(&trained).unwrap();
        assert_eq!(read["a"].to_vec1::<f32>().unwrap(), [3.0, 4.0]);
    }

    #[test]
    fn half_precision_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let tensor = Tensor::new(&[1.0f32, -2.5, 0.125], &Device::Cpu).unwrap();
        write_safetensors(
            &path,
            &HashMap::from([("a".to_owned(), tensor)]),
            DType::F16,
        )
        .unwrap();
        let read = read_safetensors(&path, &Device::Cpu).unwrap();
        assert_eq!(read["a"].dtype(), DType::F16);
        let values = read["a"]
            .to_dtype(DType::F32)
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        assert_eq!(values, [1.0, -2.5, 0.125]);
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no temporary file stays"
        );
    }

    #[test]
    fn truncated_files_are_errors_that_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.safetensors");
        std::fs::write(&path, [9, 0, 0, 0]).unwrap();
        let error = read_safetensors(&path, &Device::Cpu).unwrap_err();
        assert!(error.to_string().contains("cut.safetensors"), "{error}");
    }

    #[test]
    fn an_unwritable_folder_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("w.safetensors");
        let error = write_whole(&path, b"y").unwrap_err();
        assert!(error.to_string().contains("w.safetensors"), "{error}");
    }

    /// A file with this header before this many bytes.
    fn file(header: &str, length: Option<u64>, bytes: usize) -> Vec<u8> {
        let length = length.unwrap_or(header.len() as u64);
        let mut file = length.to_le_bytes().to_vec();
        file.extend_from_slice(header.as_bytes());
        file.resize(file.len() + bytes, 0);
        file
    }

    #[test]
    fn what_a_file_merely_claims_is_not_believed() {
        let one = |dtype: &str, shape: &str, from: u64, to: u64| {
            format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}}}"#)
        };
        let good = one("F32", "[2]", 0, 8);
        assert!(parse_safetensors(&file(&good, None, 8), "good", &Device::Cpu).is_ok());
        let overlapping = concat!(
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#,
            r#""b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
        );
        let huge = one(
            "F32",
            "[1000000000,1000000000]",
            0,
            4_000_000_000_000_000_000,
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        std::fs::write(&path, file(&good, None, 8)).unwrap();
        assert_eq!(read_safetensors(&path, &Device::Cpu).unwrap().len(), 1);
        for (what, bytes) in [
            ("empty", Vec::new()),
            ("cut in its header", file(&good, None, 8)[..12].to_vec()),
            ("cut in its numbers", file(&good, None, 5)),
            (
                "an endless header",
                file(&good, Some(1_000_000_000_000_000_000), 8),
            ),
            ("more numbers than bytes", file(&huge, None, 8)),
            ("overlapping tensors", file(overlapping, None, 12)),
            (
                "a shape of other size",
                file(&one("F32", "[3]", 0, 8), None, 8),
            ),
            ("an unknown type", file(&one("F99", "[2]", 0, 8), None, 8)),
            ("no JSON", file("{\"a\":", None, 8)),
        ] {
            std::fs::write(&path, &bytes).unwrap();
            for error in [
                parse_safetensors(&bytes, "w.safetensors", &Device::Cpu),
                read_safetensors(&path, &Device::Cpu),
            ] {
                let error = error.err().unwrap_or_else(|| panic!("{what}")).to_string();
                assert!(error.contains("w.safetensors"), "{what}: {error}");
            }
        }
    }

    #[test]
    fn a_fingerprint_in_pieces_is_that_of_the_values() {
        let values: Vec<f32> = (0..FINGERPRINTED + 3).map(|i| (i % 100) as f32).collect();
        let single = Tensor::new(values.as_slice(), &Device::Cpu).unwrap();
        let of = |tensor: Tensor| {
            fingerprint_in_pieces(&HashMap::from([("a".to_owned(), tensor)])).unwrap()
        };
        let half = single.to_dtype(DType::BF16).unwrap();
        let moved = single.roll(1, 0).unwrap();
        assert_eq!(of(single.clone()), of(half));
        assert_ne!(of(single), of(moved));
    }
}
