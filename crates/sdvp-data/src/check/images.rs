//! Whether pictures are there and can be decoded.

use sdvp_core::{DecodeLimits, Image};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What became of the pictures looked at.
#[derive(Debug)]
pub(super) struct ImageCheck {
    decode: bool,
    known: HashMap<PathBuf, Found>,
}

/// What became of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    /// It is there; with its width and height if it was decoded.
    There(Option<(u32, u32)>),
    /// It is not there.
    Absent,
    /// It cannot be decoded.
    Undecodable(String),
}

impl ImageCheck {
    pub(super) fn new(decode: bool) -> Self {
        Self {
            decode,
            known: HashMap::new(),
        }
    }

    /// Looks at a picture, which is there or not.
    fn look(&mut self, path: &Path, there: bool) -> Found {
        if let Some(found) = self.known.get(path) {
            return found.clone();
        }
        let found = if !there {
            Found::Absent
        } else if self.decode {
            match Image::open(path, &DecodeLimits::default()) {
                Ok(image) => Found::There(Some((image.width(), image.height()))),
                Err(error) => Found::Undecodable(error.to_string()),
            }
        } else {
            Found::There(None)
        };
        self.known.insert(path.to_owned(), found.clone());
        found
    }

    /// How many were decoded, if any were to be.
    pub(super) fn decoded(&self) -> Option<usize> {
        let decoded = |found: &&Found| matches!(found, Found::There(Some(_)));
        self.decode
            .then(|| self.known.values().filter(decoded).count())
    }
}

impl super::Checking<'_> {
    /// Counts a picture that a part names: whether it is the first time, and its size if it was decoded.
    pub(super) fn picture(
        &mut self,
        count: &mut super::Count,
        path: &Path,
        there: bool,
    ) -> (bool, Option<(u32, u32)>) {
        if count.pictures.contains(path) {
            return (false, None);
        }
        count.pictures.insert(path.to_owned());
        count.report.pictures += 1;
        let part = &count.report.name;
        match self.images.look(path, there) {
            Found::There(size) => return (true, size),
            Found::Absent => self.missing.add(
                &format!("pictures of {part} that are not there"),
                path.display().to_string(),
            ),
            Found::Undecodable(reason) => self.inconsistent.add(
                &format!("pictures of {part} that cannot be decoded"),
                reason,
            ),
        }
        (true, None)
    }
}
