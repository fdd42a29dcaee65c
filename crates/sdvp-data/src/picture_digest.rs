//! The pictures that questions are about, by their content.

use rayon::prelude::*;
use sdvp_core::{Digest, Hasher};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Files whose digests are remembered; beyond that many they are read again, so that memory does not
/// grow with a benchmark.
const REMEMBERED: usize = 1 << 16;

/// Takes in the pictures of questions, in the questions' order, and gives the digest of all of them.
///
/// It is that of the files' bytes, whatever they are called and wherever they are. A file that is not
/// there counts as such, so that a run whose pictures come later is another run.
#[derive(Default)]
pub struct PictureDigest {
    known: HashMap<[u8; 32], Digest>,
    all: Hasher,
    any: bool,
}

impl PictureDigest {
    /// Takes in the pictures of some questions, one list a question. Files that are not known are read
    /// piece by piece, on all cores.
    pub fn add(&mut self, questions: &[Vec<PathBuf>]) {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let mut unknown: HashMap<[u8; 32], &Path> = HashMap::new();
        for path in questions.iter().flatten() {
            let key = key(path);
            if !self.known.contains_key(&key) {
                unknown.insert(key, path);
            }
        }
        let read: Vec<([u8; 32], Digest)> = unknown
            .into_par_iter()
            .map(|(key, path)| (key, content(path)))
            .collect();
        self.known.extend(read);
        for pictures in questions {
            let digests = pictures
                .iter()
                .filter_map(|path| self.known.get(&key(path)));
            let each = digests.fold(Hasher::new("pictures of a question"), |hasher, digest| {
                hasher.part(digest.as_bytes())
            });
            self.any |= !pictures.is_empty();
            self.all = std::mem::take(&mut self.all).part(each.finish().as_bytes());
        }
    }

    /// The digest; none where no question has a picture in a file.
    pub fn finish(self) -> Option<Digest> {
        self.any.then(|| self.all.finish())
    }
}

fn key(path: &Path) -> [u8; 32] {
    *Digest::of(path.as_os_str().as_encoded_bytes()).as_bytes()
}

/// Digest of a file's bytes, or of why there are none. Devices and pipes may have no end.
fn content(path: &Path) -> Digest {
    let read = || {
        let file = File::open(path)?;
        match file.metadata()?.is_file() {
            true => Digest::of_reader(file),
            false => Err(std::io::ErrorKind::InvalidInput.into()),
        }
    };
    read().unwrap_or_else(|error: std::io::Error| {
        let reason = format!("{:?}", error.kind());
        Hasher::new("no picture").part(reason.as_bytes()).finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(questions: &[Vec<PathBuf>]) -> Option<Digest> {
        let mut pictures = PictureDigest::default();
        // However many are taken at once.
        for question in questions {
            pictures.add(std::slice::from_ref(question));
        }
        let one_by_one = pictures.finish();
        let mut pictures = PictureDigest::default();
        pictures.add(questions);
        assert_eq!(pictures.finish(), one_by_one);
        one_by_one
    }

    #[test]
    fn any_byte_of_any_picture_counts_and_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a"), vec![1; 200_000]).unwrap();
        std::fs::write(path("b"), "b").unwrap();
        std::fs::copy(path("a"), path("other")).unwrap();
        let questions = |first: &str| {
            let first = path(first);
            vec![vec![first.clone()], vec![path("b"), first], Vec::new()]
        };
        let before = digest(&questions("a")).unwrap();
        assert_eq!(digest(&questions("other")), Some(before));
        assert_ne!(digest(&questions("b")), Some(before));
        let mut moved = questions("a");
        moved.swap(0, 1);
        assert_ne!(digest(&moved), Some(before));

        let mut bytes = vec![1; 200_000];
        bytes[150_000] = 2;
        std::fs::write(path("a"), bytes).unwrap();
        let changed = digest(&questions("a")).unwrap();
        std::fs::remove_file(path("a")).unwrap();
        let missing = digest(&questions("a")).unwrap();
        assert!(changed != before && missing != before && missing != changed);
    }

    #[test]
    fn questions_without_files_have_none() {
        assert_eq!(digest(&[Vec::new(), Vec::new()]), None);
        assert_eq!(digest(&[]), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_has_no_end_is_not_read() {
        assert!(digest(&[vec![PathBuf::from("/dev/zero")]]).is_some());
    }
}
