//! Rows of numbers by digest, on disk: what is too much for memory and is needed again soon.

use sdvp_core::Digest;
use sdvp_models::ModelError;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A file without a name that vanishes with this. It grows to a bound; what comes later is not
/// kept.
pub(crate) struct StateFile {
    folder: PathBuf,
    bound: u64,
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    /// Where each row begins, and how many numbers it has.
    rows: HashMap<Digest, (u64, usize)>,
    end: u64,
}

impl StateFile {
    /// In a folder, of at most `bound` bytes.
    ///
    /// # Errors
    /// If no file can be made there.
    pub(crate) fn new(folder: &Path, bound: u64) -> Result<Self, ModelError> {
        let file = tempfile::tempfile_in(folder).map_err(|source| ModelError::Io {
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            bound,
            inner: Mutex::new(Inner {
                file,
                rows: HashMap::new(),
                end: 0,
            }),
        })
    }

    /// A row, if it was kept.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn get(&self, key: &Digest) -> Result<Option<Vec<f32>>, ModelError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(&(start, count)) = inner.rows.get(key) else {
            return Ok(None);
        };
        let mut bytes = vec![0u8; count * 4];
        let read = inner.file.seek(SeekFrom::Start(start));
        read.and_then(|_| inner.file.read_exact(&mut bytes))
            .map_err(|source| self.failed(source))?;
        drop(inner);
        let (numbers, _) = bytes.as_chunks::<4>();
        Ok(Some(
            numbers.iter().map(|it| f32::from_le_bytes(*it)).collect(),
        ))
    }

    /// Keeps a row, if there is room and it is not there yet.
    ///
    /// # Errors
    /// If the file cannot be written, as when the disk is full.
    pub(crate) fn put(&self, key: Digest, row: &[f32]) -> Result<(), ModelError> {
        let bytes: Vec<u8> = row.iter().flat_map(|number| number.to_le_bytes()).collect();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, size) = (inner.end, bytes.len() as u64);
        if inner.rows.contains_key(&key) || start + size > self.bound {
            return Ok(());
        }
        let written = inner.file.seek(SeekFrom::Start(start));
        written
            .and_then(|_| inner.file.write_all(&bytes))
            .map_err(|source| self.failed(source))?;
        inner.end += size;
        inner.rows.insert(key, (start, row.len()));
        Ok(())
    }

    fn failed(&self, source: std::io::Error) -> ModelError {
        ModelError::Io {
            path: self.folder.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_and_what_is_beyond_the_bound_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let states = StateFile::new(folder.path(), 24).unwrap();
        let key = |name: &str| Digest::of(name.as_bytes());
        states.put(key("a"), &[1.0, -2.5]).unwrap();
        states
            .put(key("b"), &[f32::MIN_POSITIVE, 0.0, 7.0])
            .unwrap();
        states.put(key("a"), &[9.0, 9.0]).unwrap();
        states.put(key("c"), &[3.0, 4.0]).unwrap();
        states.put(key("d"), &[5.0]).unwrap();
        assert_eq!(states.get(&key("a")).unwrap(), Some(vec![1.0, -2.5]));
        assert_eq!(
            states.get(&key("b")).unwrap(),
            Some(vec![f32::MIN_POSITIVE, 0.0, 7.0])
        );
        assert_eq!(states.get(&key("c")).unwrap(), None);
        assert_eq!(states.get(&key("d")).unwrap(), Some(vec![5.0]));
        // Nothing is left lying about.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = StateFile::new(Path::new("no/such/folder"), 1).map(|_| ());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("no/such/folder"), "{error}");
    }
}
