//! Answers that are kept on disk, so that nothing is paid for twice.
//!
//! One file an answer, `ab/ab12….json`, named by the digest of everything it depends on. A file
//! appears whole or not at all, so neither a kill nor another process that writes the same answer
//! harms it. Each has a digest of what it says; one that says something else is asked for again.

use crate::limits::KEPT_ANSWER;
use crate::{Ask, Completion, LanguageError};
use sdvp_core::{Digest, read_within, write_whole};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Who of this process writes.
static TURN: Mutex<()> = Mutex::new(());

/// A folder of answers.
#[derive(Clone, Debug)]
pub struct Journal {
    folder: PathBuf,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// What the answer is kept under.
    key: Digest,
    /// Digest of `completion` as it is written here.
    check: Digest,
    /// Who answered; for readers.
    model: String,
    /// The last thing that was said before; for readers.
    asked: String,
    completion: Completion,
}

/// What there is under a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// An answer.
    Whole(Completion),
    /// A file that does not say what was written into it.
    Damaged(PathBuf),
    /// Nothing.
    Nothing,
}

impl Journal {
    /// The answers in a folder, which is made if there is none.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(folder: &Path) -> Result<Self, LanguageError> {
        std::fs::create_dir_all(folder)
            .map_err(|error| Self::failed("make the folder", folder, &error))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Where an answer is kept.
    fn path(&self, key: Digest) -> PathBuf {
        let name = key.to_string();
        let group = name.get(..2).unwrap_or_default().to_owned();
        self.folder.join(group).join(format!("{name}.json"))
    }

    /// What is kept under a key. What is no whole answer to it is not believed.
    ///
    /// # Errors
    /// If a file is there and cannot be read, or is larger than is allowed.
    pub fn read(&self, key: Digest) -> Result<Kept, LanguageError> {
        let path = self.path(key);
        let bytes = match read_within(&path, &KEPT_ANSWER) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Kept::Nothing),
            Err(error) => return Err(Self::failed("read", &path, &error)),
        };
        let entry: Option<Entry> = serde_json::from_slice(&bytes).ok();
        let whole = entry.filter(|entry| {
            entry.key == key && check(&entry.completion).is_some_and(|check| check == entry.check)
        });
        Ok(match whole {
            Some(entry) => Kept::Whole(entry.completion),
            None => Kept::Damaged(path),
        })
    }

    /// Keeps an answer; when this returns, it is on disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(
        &self,
        key: Digest,
        model: &str,
        ask: &Ask,
        completion: &Completion,
    ) -> Result<(), LanguageError> {
        let path = self.path(key);
        let unwritable = |reason: String| LanguageError::Journal {
            doing: "write",
            path: path.clone(),
            reason,
        };
        let entry = Entry {
            key,
            check: check(completion).ok_or_else(|| unwritable("it is no JSON".to_owned()))?,
            model: model.to_owned(),
            asked: ask
                .conversation
                .last()
                .map_or_else(String::new, |last| last.content.clone()),
            completion: completion.clone(),
        };
        let mut bytes =
            serde_json::to_vec(&entry).map_err(|error| unwritable(error.to_string()))?;
        bytes.push(b'\n');
        if let Some(group) = path.parent() {
            std::fs::create_dir_all(group)
                .map_err(|error| Self::failed("make the folder", group, &error))?;
        }
        // Partial files have a process's own name: its threads go one after the other.
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        write_whole(&path, &bytes).map_err(|error| Self::failed("write", &path, &error))
    }

    fn failed(doing: &'static str, path: &Path, error: &std::io::Error) -> LanguageError {
        LanguageError::Journal {
            doing,
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }
}

/// Digest of an answer as it is written.
fn check(completion: &Completion) -> Option<Digest> {
    let bytes = serde_json::to_vec(completion).ok()?;
    Some(Digest::of(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, Role, Sampling, Syntax};

    fn ask() -> Ask {
        Ask {
            conversation: vec![Message {
                role: Role::User,
                content: "What?".to_owned(),
            }],
            sampling: Sampling {
                temperature: 0.0,
                top_p: 1.0,
                tokens: 9,
                seed: 1,
            },
            syntax: Syntax::Free,
        }
    }

    fn completion() -> Completion {
        Completion {
            text: "F=RESULT(var=IMAGE)".to_owned(),
            prompt_tokens: 4,
            completion_tokens: 5,
            ended: true,
        }
    }

    #[test]
    fn what_was_kept_is_found_by_another_and_only_under_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = Digest::of(b"1");
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.read(key).unwrap(), Kept::Nothing);
        journal.keep(key, "m", &ask(), &completion()).unwrap();
        let another = Journal::open(folder.path()).unwrap();
        assert_eq!(another.read(key).unwrap(), Kept::Whole(completion()));
        assert_eq!(another.read(Digest::of(b"2")).unwrap(), Kept::Nothing);
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_and_not_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let key = Digest::of(b"1");
        let journal = Journal::open(folder.path()).unwrap();
        journal.keep(key, "m", &ask(), &completion()).unwrap();
        let file = std::fs::File::options()
            .write(true)
            .open(journal.path(key))
            .unwrap();
        // Nothing of it is on disk.
        file.set_len(KEPT_ANSWER.value() + 1).unwrap();
        let error = journal.read(key).unwrap_err().to_string();
        assert!(error.contains("the limit kept-answer is"), "{error}");
    }

    #[test]
    fn many_may_keep_the_same() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let journal = Journal::open(folder.path()).unwrap();
                    for n in 0..10u8 {
                        let key = Digest::of(&[n]);
                        journal.keep(key, "m", &ask(), &completion()).unwrap();
                        assert_eq!(journal.read(key).unwrap(), Kept::Whole(completion()));
                    }
                });
            }
        });
    }

    #[test]
    fn nothing_is_believed_that_was_cut_off_changed_or_moved() {
        let folder = tempfile::tempdir().unwrap();
        let key = Digest::of(b"1");
        let journal = Journal::open(folder.path()).unwrap();
        journal.keep(key, "m", &ask(), &completion()).unwrap();
        let path = journal.path(key);
        let whole = std::fs::read(&path).unwrap();
        let damaged = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(journal.read(key).unwrap(), Kept::Damaged(path.clone()));
        };
        // The end is a line break, without which all is there.
        for length in 0..whole.len() - 1 {
            damaged(&whole[..length]);
        }
        let text = String::from_utf8(whole.clone()).unwrap();
        damaged(text.replace("var=IMAGE", "var=IMAGF").as_bytes());
        damaged(text.replace("\"ended\":true", "\"ended\":false").as_bytes());
        let other = journal.path(Digest::of(b"2"));
        std::fs::create_dir_all(other.parent().unwrap()).unwrap();
        std::fs::write(&other, &whole).unwrap();
        assert!(matches!(
            journal.read(Digest::of(b"2")).unwrap(),
            Kept::Damaged(_)
        ));
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(journal.read(key).unwrap(), Kept::Whole(completion()));
    }
}
