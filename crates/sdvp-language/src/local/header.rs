//! The header of a GGUF file: what it says of itself, and where its tensors lie.
//!
//! Everything is little-endian: the bytes `GGUF`, a version (2 or 3), the numbers of tensors and of
//! metadata entries, the entries (name, type, value), the tensors (name, sizes from the innermost
//! on, type, offset), padding, the tensors' bytes. The format is specified in `docs/gguf.md` of the
//! repository ggml-org/ggml.
//!
//! Nothing is allocated because the header says so: a length is believed as far as the rest of the
//! file can hold it, and under the [limits](crate::limits) of the process.

use super::LocalError;
use crate::limits::{GGUF_ENTRIES, GGUF_HEADER, GGUF_LIST, GGUF_TENSORS, GGUF_TEXT};
use candle_core::quantized::GgmlDType;
use sdvp_core::{Found, Hasher, Limit};
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

const MAX_DIMENSIONS: u32 = 4;

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A whole number that is not negative.
    Count(u64),
    /// Any other whole number.
    Negative(i64),
    Real(f64),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Counts(Vec<u64>),
    /// An array of something else; nothing here needs one.
    Other,
}

/// What the header says of a tensor.
#[derive(Clone, Debug)]
pub(super) struct TensorPlace {
    pub(super) dtype: GgmlDType,
    /// Sizes from the outermost on: `[out, in]` of a linear layer.
    pub(super) shape: Vec<usize>,
    /// Its first byte in the file.
    pub(super) start: u64,
    /// Its bytes, which the file has.
    pub(super) length: usize,
}

/// A header.
pub(super) struct Header {
    pub(super) metadata: HashMap<String, Value>,
    pub(super) tensors: HashMap<String, TensorPlace>,
    /// Has every byte of the header; what is read of the tensors comes after it.
    pub(super) hasher: Hasher,
}

impl Header {
    /// Reads the header of a file of `size` bytes.
    ///
    /// # Errors
    /// If it is none, is cut off, or claims what the file cannot hold.
    pub(super) fn read(path: &Path, file: impl Read, size: u64) -> Result<Self, LocalError> {
        let mut source = Source {
            path,
            file,
            at: 0,
            size,
            hasher: Hasher::new("gguf"),
        };
        source.header()
    }
}

struct Source<'a, R> {
    path: &'a Path,
    file: R,
    at: u64,
    size: u64,
    hasher: Hasher,
}

impl<R: Read> Source<'_, R> {
    fn fault(&self, message: impl Into<String>) -> LocalError {
        LocalError::Header {
            path: self.path.to_owned(),
            at: self.at,
            message: message.into(),
        }
    }

    fn left(&self) -> u64 {
        self.size.saturating_sub(self.at)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), LocalError> {
        let wanted = bytes.len() as u64;
        if wanted > self.left() {
            return Err(self.fault(format!(
                "the file is cut off: expected {wanted} more bytes, found {}",
                self.left()
            )));
        }
        let most = GGUF_HEADER.value();
        if self.at.saturating_add(wanted) > most {
            return Err(self.fault(GGUF_HEADER.exceeded(most, Found::More).to_string()));
        }
        self.file
            .read_exact(bytes)
            .map_err(|error| LocalError::Read {
                path: self.path.to_owned(),
                error,
            })?;
        self.at += wanted;
        self.hasher = std::mem::take(&mut self.hasher).part(bytes);
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], LocalError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, LocalError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, LocalError> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// A number of things of at least `least` bytes each.
    fn count(&mut self, of: &str, least: u64, limit: &'static Limit) -> Result<usize, LocalError> {
        let found = self.u64()?;
        limit
            .admit(found)
            .map_err(|exceeded| self.fault(format!("{of}: {exceeded}")))?;
        if found.saturating_mul(least) > self.left() {
            return Err(self.fault(format!(
                "{found} {of} need at least {} bytes, the file has {} more",
                found.saturating_mul(least),
                self.left()
            )));
        }
        usize::try_from(found).map_err(|_| self.fault(format!("{found} {of} are too many")))
    }

    fn text(&mut self) -> Result<String, LocalError> {
        let length = self.count("bytes of text", 1, &GGUF_TEXT)?;
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| self.fault("expected text in UTF-8"))
    }

    fn header(&mut self) -> Result<Header, LocalError> {
        let magic: [u8; 4] = self.bytes()?;
        if &magic != b"GGUF" {
            return Err(self.fault(format!(
                "expected a GGUF file, which starts with `GGUF`, found {:?}",
                String::from_utf8_lossy(&magic)
            )));
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(self.fault(format!(
                "expected GGUF of version 2 or 3 (little-endian), found {version}"
            )));
        }
        let tensors = self.count("tensors", 24, &GGUF_TENSORS)?;
        let entries = self.count("entries of metadata", 13, &GGUF_ENTRIES)?;
        let mut metadata = HashMap::new();
        for _ in 0..entries {
            let name = self.text()?;
            let kind = self.u32()?;
            let value = self.value(kind)?;
            if metadata.insert(name.clone(), value).is_some() {
                return Err(self.fault(format!("{name} is given twice")));
            }
        }
        let mut placed = Vec::new();
        for _ in 0..tensors {
            placed.push(self.tensor()?);
        }
        let alignment = match metadata.get("general.alignment") {
            None => 32,
            Some(Value::Count(alignment)) if (1..=1 << 20).contains(alignment) => *alignment,
            Some(other) => {
                return Err(self.fault(format!(
                    "general.alignment: expected a number from 1 to 1048576, found {other:?}"
                )));
            }
        };
        let data = self.at.div_ceil(alignment) * alignment;
        let mut tensors = HashMap::new();
        for (name, mut place) in placed {
            place.start = place.start.saturating_add(data);
            let end = place.start.saturating_add(place.length as u64);
            if end > self.size {
                return Err(self.fault(format!(
                    "the file is cut off: the tensor {name} ends at byte {end}, the file at {}",
                    self.size
                )));
            }
            if tensors.insert(name.clone(), place).is_some() {
                return Err(self.fault(format!("the tensor {name} is there twice")));
            }
        }
        Ok(Header {
            metadata,
            tensors,
            hasher: std::mem::take(&mut self.hasher),
        })
    }

    fn value(&mut self, kind: u32) -> Result<Value, LocalError> {
        let signed =
            |number: i64| u64::try_from(number).map_or(Value::Negative(number), Value::Count);
        Ok(match kind {
            0 => Value::Count(u64::from(u8::from_le_bytes(self.bytes()?))),
            1 => signed(i64::from(i8::from_le_bytes(self.bytes()?))),
            2 => Value::Count(u64::from(u16::from_le_bytes(self.bytes()?))),
            3 => signed(i64::from(i16::from_le_bytes(self.bytes()?))),
            4 => Value::Count(u64::from(self.u32()?)),
            5 => signed(i64::from(i32::from_le_bytes(self.bytes()?))),
            6 => Value::Real(f64::from(f32::from_le_bytes(self.bytes()?))),
            7 => match self.bytes()? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                [other] => return Err(self.fault(format!("expected 0 or 1, found {other}"))),
            },
            8 => Value::Text(self.text()?),
            9 => self.array()?,
            10 => Value::Count(self.u64()?),
            11 => signed(i64::from_le_bytes(self.bytes()?)),
            12 => Value::Real(f64::from_le_bytes(self.bytes()?)),
            other => {
                return Err(
                    self.fault(format!("expected a type of values, 0 to 12, found {other}"))
                );
            }
        })
    }

    fn array(&mut self) -> Result<Value, LocalError> {
        let kind = self.u32()?;
        let least = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            other => {
                return Err(self.fault(format!(
                    "expected an array of numbers, truth values or texts, found one of type {other}"
                )));
            }
        };
        let length = self.count("elements of an array", least, &GGUF_LIST)?;
        let mut texts = Vec::new();
        let mut counts = Vec::new();
        for _ in 0..length {
            match self.value(kind)? {
                Value::Text(text) => texts.push(text),
                Value::Count(count) => counts.push(count),
                _ => {}
            }
        }
        Ok(if texts.len() == length && kind == 8 {
            Value::Texts(texts)
        } else if counts.len() == length {
            Value::Counts(counts)
        } else {
            Value::Other
        })
    }

    /// A tensor, its start counted from the first tensor's.
    fn tensor(&mut self) -> Result<(String, TensorPlace), LocalError> {
        let name = self.text()?;
        let dimensions = self.u32()?;
        if dimensions == 0 || dimensions > MAX_DIMENSIONS {
            return Err(self.fault(format!(
                "the tensor {name}: expected 1 to {MAX_DIMENSIONS} dimensions, found {dimensions}"
            )));
        }
        let mut sizes = Vec::new();
        for _ in 0..dimensions {
            sizes.push(self.u64()?);
        }
        let code = self.u32()?;
        let start = self.u64()?;
        let dtype = dtype(code).ok_or_else(|| {
            self.fault(format!(
                "the tensor {name} has the type {code}, which is not supported: expected F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 or Q2_K to Q6_K"
            ))
        })?;
        let row = sizes.first().copied().unwrap_or(0);
        let block = dtype.block_size() as u64;
        let length = sizes
            .iter()
            .try_fold(1_u64, |product, &size| product.checked_mul(size))
            .filter(|_| row % block == 0)
            .and_then(|elements| (elements / block).checked_mul(dtype.type_size() as u64))
            .filter(|length| (1..=self.size).contains(length))
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(|| {
                self.fault(format!(
                    "the tensor {name} of {sizes:?} {dtype:?} cannot be in a file of {} bytes",
                    self.size
                ))
            })?;
        let shape = sizes
            .iter()
            .rev()
            .map(|&size| usize::try_from(size))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| self.fault(format!("the tensor {name} is too large")))?;
        let place = TensorPlace {
            dtype,
            shape,
            start,
            length,
        };
        Ok((name, place))
    }
}

fn dtype(code: u32) -> Option<GgmlDType> {
    Some(match code {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with texts of a mebibyte each.
    fn header(texts: usize) -> Result<Header, LocalError> {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(0_u64.to_le_bytes());
        bytes.extend((texts as u64).to_le_bytes());
        for number in 0..texts {
            let name = format!("{number:04}");
            bytes.extend((name.len() as u64).to_le_bytes());
            bytes.extend(name.as_bytes());
            bytes.extend(8_u32.to_le_bytes());
            bytes.extend(GGUF_TEXT.value().to_le_bytes());
            bytes.resize(bytes.len() + GGUF_TEXT.size(), b'x');
        }
        let size = bytes.len() as u64;
        Header::read(Path::new("a.gguf"), bytes.as_slice(), size)
    }

    #[test]
    fn headers_are_no_longer_than_is_allowed() {
        let most = GGUF_HEADER.size() / GGUF_TEXT.size();
        // What is around the texts takes some bytes, too.
        assert_eq!(header(most - 1).unwrap().metadata.len(), most - 1);
        let error = header(most).err().unwrap().to_string();
        assert!(
            error.contains("a.gguf") && error.contains("the limit gguf-header is"),
            "{error}"
        );
    }
}
