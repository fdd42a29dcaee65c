//! What a safetensors file says of its tensors, without reading them.

use crate::error::{ModelError, Result};
use crate::limits::SAFETENSORS_HEADER;
use safetensors::tensor::Metadata;
use sdvp_core::{Exceeded, admit_json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes that say how long the header is.
const BEFORE: u64 = 8;

/// A tensor in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorHeader {
    /// The type of its numbers, as the format names it: `F32`, `BF16` …
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

impl TensorHeader {
    /// How many numbers it has.
    pub fn count(&self) -> u64 {
        self.shape.iter().map(|side| *side as u64).product()
    }
}

/// A safetensors file whose header was read.
pub(crate) struct Opened {
    /// The file.
    pub(crate) file: File,
    /// What the header says.
    pub(crate) header: Metadata,
    /// Where the numbers begin, bytes.
    pub(crate) start: u64,
}

/// Reads the header of a safetensors file: as many bytes as it has, once the file is known to be longer.
/// What it says of the file's length is true.
///
/// # Errors
/// If the file is missing, not safetensors, or truncated; the message names it.
pub(crate) fn open(path: &Path) -> Result<Opened> {
    let io = |source| ModelError::Io {
        path: path.to_owned(),
        source,
    };
    let wrong = |reason: String| ModelError::Weights {
        file: path.display().to_string(),
        reason,
    };
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let mut before = [0; BEFORE as usize];
    if length < BEFORE {
        return Err(wrong(format!("it has {length} bytes")));
    }
    file.read_exact(&mut before).map_err(io)?;
    let size = u64::from_le_bytes(before);
    if size > length - BEFORE {
        return Err(wrong(format!(
            "expected a header that is all in the file of {length} bytes, found one of {size}"
        )));
    }
    let beyond = |exceeded: Exceeded| wrong(format!("its header: {exceeded}"));
    SAFETENSORS_HEADER.admit(size).map_err(beyond)?;
    let mut text = vec![0; size as usize];
    file.read_exact(&mut text).map_err(io)?;
    admit_json(&text).map_err(beyond)?;
    // This checks that shapes fit their bytes, which do not overlap.
    let header: Metadata =
        serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    let start = BEFORE + size;
    let (expected, found) = (header.data_len() as u64, length - start);
    if expected != found {
        return Err(wrong(format!(
            "expected {expected} bytes of numbers, found {found}: it is not whole"
        )));
    }
    Ok(Opened {
        file,
        header,
        start,
    })
}

/// The tensors of a safetensors file, by name, of which no number is read.
///
/// # Errors
/// If the file is missing, not safetensors, or truncated; the message names it.
pub fn read_header(path: &Path) -> Result<BTreeMap<String, TensorHeader>> {
    let known = open(path)?.header;
    let header = known.tensors().into_iter().map(|(name, tensor)| {
        let dtype = format!("{:?}", tensor.dtype);
        let shape = tensor.shape.clone();
        (name, TensorHeader { dtype, shape })
    });
    Ok(header.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::write_safetensors;
    use candle_core::{DType, Device, Tensor};
    use std::collections::HashMap;

    #[test]
    fn headers_are_no_longer_than_the_format_has_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let size = SAFETENSORS_HEADER.value() + 1;
        std::fs::write(&path, size.to_le_bytes()).unwrap();
        // Nothing of it is on disk.
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(BEFORE + size).unwrap();
        let error = read_header(&path).unwrap_err().to_string();
        assert!(error.contains("the limit safetensors-header is"), "{error}");

        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        let bytes = [&(deep.len() as u64).to_le_bytes()[..], deep.as_bytes()].concat();
        std::fs::write(&path, bytes).unwrap();
        let error = read_header(&path).unwrap_err().to_string();
        assert!(error.contains("the limit json-depth is"), "{error}");
    }

    #[test]
    fn headers_say_what_is_in_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let tensor = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
        let tensors = HashMap::from([("a".to_owned(), tensor)]);
        write_safetensors(&path, &tensors, DType::BF16).unwrap();
        let header = read_header(&path).unwrap();
        let expected = TensorHeader {
            dtype: "BF16".to_owned(),
            shape: vec![2, 3],
        };
        assert_eq!(header["a"], expected);
        assert_eq!(header["a"].count(), 6);

        let whole = std::fs::read(&path).unwrap();
        let mut endless = whole.clone();
        endless[..8].copy_from_slice(&1_000_000_000_000_000_000u64.to_le_bytes());
        let mut longer = whole.clone();
        longer.push(0);
        let cut = &whole[..whole.len() - 1];
        for (what, bytes) in [
            ("empty", &[][..]),
            ("cut", cut),
            ("an endless header", &endless),
            ("longer than it says", &longer),
            ("no JSON", b"\x02\0\0\0\0\0\0\0{["),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = read_header(&path).err().unwrap_or_else(|| panic!("{what}"));
            assert!(
                error.to_string().contains("w.safetensors"),
                "{what}: {error}"
            );
        }
    }
}
