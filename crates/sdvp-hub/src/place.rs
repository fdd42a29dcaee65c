//! One repository in the cache: a folder `models--org--name`, in which `blobs/` has files by their tags,
//! `snapshots/COMMIT/` a link to one for every file of that state, and `refs/REVISION` the commit that a
//! branch or tag last meant. `huggingface_hub` has it so; nothing here is of our own making.

use crate::cache::io;
use crate::digest::Tag;
use crate::error::Result;
use crate::id::{Commit, RepositoryId};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A repository's folder in the cache.
pub(crate) struct Place {
    folder: PathBuf,
    locks: PathBuf,
}

impl Place {
    pub(crate) fn new(cache: &Path, repository: &RepositoryId) -> Self {
        Self {
            folder: cache.join(repository.folder()),
            locks: cache.join(".locks").join(repository.folder()),
        }
    }

    pub(crate) fn refs(&self) -> PathBuf {
        self.folder.join("refs")
    }

    /// The commit that a branch or tag meant when it was last asked for.
    pub(crate) fn meaning(&self, revision: &str) -> Result<Option<Commit>> {
        let path = self.refs().join(revision);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Commit::parse(text.trim())),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory => {
                    Ok(None)
                }
                _ => Err(io("read", &path)(error)),
            },
        }
    }

    pub(crate) fn snapshot(&self, commit: &Commit) -> PathBuf {
        self.folder.join("snapshots").join(commit.as_str())
    }

    /// Where the content of a file is once it is whole.
    pub(crate) fn blob(&self, tag: &Tag) -> PathBuf {
        self.folder.join("blobs").join(tag.as_str())
    }

    /// Where it is until then.
    pub(crate) fn partial(&self, tag: &Tag) -> PathBuf {
        self.folder
            .join("blobs")
            .join(format!("{}.incomplete", tag.as_str()))
    }

    pub(crate) fn make_blobs(&self) -> Result<()> {
        let folder = self.folder.join("blobs");
        std::fs::create_dir_all(&folder).map_err(io("make the folder", &folder))
    }

    /// Keeps others from making the same content or snapshot, by its digest, until what is returned is
    /// dropped; `huggingface_hub` heeds it for contents. `queue` is called if another one is at it.
    pub(crate) fn lock(&self, digest: &str, queue: impl FnOnce()) -> Result<File> {
        std::fs::create_dir_all(&self.locks).map_err(io("make the folder", &self.locks))?;
        let path = self.locks.join(format!("{digest}.lock"));
        let file = File::create(&path).map_err(io("write", &path))?;
        let locked = match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                queue();
                file.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        match locked {
            // Some file systems have no locks; then two may do the same work, and either is checked.
            Err(error) if error.kind() != ErrorKind::Unsupported => Err(io("lock", &path)(error)),
            _ => Ok(file),
        }
    }

    /// Whether a content has its name in a snapshot.
    pub(crate) fn is_linked(&self, tag: &Tag, commit: &Commit, name: &str) -> bool {
        let pointer = self.snapshot(commit).join(name);
        std::fs::read_link(&pointer).is_ok_and(|found| found == target(tag))
    }

    /// Gives a content its name in a snapshot, which is to be locked. The link appears at once or not at
    /// all.
    pub(crate) fn link(&self, tag: &Tag, commit: &Commit, name: &str) -> Result<()> {
        let folder = self.snapshot(commit);
        std::fs::create_dir_all(&folder).map_err(io("make the folder", &folder))?;
        let pointer = folder.join(name);
        let target = target(tag);
        if self.is_linked(tag, commit, name) {
            return Ok(());
        }
        let fresh = folder.join(format!(".{name}.link"));
        // Whoever made it has gone, or it would hold the lock.
        if std::fs::symlink_metadata(&fresh).is_ok() {
            std::fs::remove_file(&fresh).map_err(io("replace", &fresh))?;
        }
        let linked = point(&fresh, &target, &self.blob(tag))
            .and_then(|()| std::fs::rename(&fresh, &pointer));
        if linked.is_err() {
            // The first error is the one to tell.
            let _ = std::fs::remove_file(&fresh);
        }
        linked.map_err(io("write", &pointer))
    }

    /// Notes what a branch or tag means.
    pub(crate) fn note(&self, revision: &str, commit: &Commit) -> Result<()> {
        let path = self.refs().join(revision);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io("make the folder", folder))?;
        }
        sdvp_core::write_whole(&path, commit.as_str().as_bytes()).map_err(io("write", &path))
    }
}

/// Where a content is, from a snapshot.
fn target(tag: &Tag) -> PathBuf {
    Path::new("..").join("..").join("blobs").join(tag.as_str())
}

#[cfg(unix)]
fn point(from: &Path, target: &Path, _content: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, from)
}

/// Links need rights there that few have; `huggingface_hub` copies, too.
#[cfg(not(unix))]
fn point(from: &Path, _target: &Path, content: &Path) -> std::io::Result<()> {
    std::fs::copy(content, from).map(|_| ())
}
