//! The hub's cache on disk. A repository is a folder `models--org--name`: `blobs/` has files by their
//! tags, `snapshots/COMMIT/` a link to one for every file of that state, `refs/REVISION` the commit that
//! a branch or tag last meant. `huggingface_hub` describes it; nothing here is of our own making.

use crate::digest::Tag;
use crate::error::{HubError, Result};
use crate::id::{Commit, ModelId, RepositoryId};
use serde::Serialize;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The cache.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// One state of a repository, as far as it is in the cache.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose it is and what it is called.
    pub repository: RepositoryId,
    /// The commit.
    pub commit: Commit,
    /// The branches and tags that mean it.
    pub revisions: Vec<String>,
    /// Where its files are.
    pub folder: PathBuf,
    /// The files, in order of name.
    pub files: Vec<CachedFile>,
}

/// A file in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CachedFile {
    /// Its path in the repository.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

impl Snapshot {
    /// The size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> HubError {
    let path = path.to_owned();
    move |source| HubError::Io {
        doing,
        path,
        source,
    }
}

/// Names in a folder, in order; none if there is no such folder.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io("list", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io("list", folder))?;
        // Nothing that the hub names is in other letters.
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// Files below a folder by their paths in it. A link that leads nowhere is left out: it is no file yet.
fn files_below(folder: &Path, before: &str, depth: usize) -> Result<Vec<CachedFile>> {
    let mut files = Vec::new();
    for name in names_in(folder)? {
        let path = folder.join(&name);
        let name = format!("{before}{name}");
        match std::fs::metadata(&path) {
            Ok(about) if about.is_dir() && depth > 0 => {
                files.extend(files_below(&path, &format!("{name}/"), depth - 1)?);
            }
            Ok(about) if about.is_file() => files.push(CachedFile {
                name,
                bytes: about.len(),
            }),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(io("read", &path)(error)),
        }
    }
    Ok(files)
}

/// How deep folders in a repository are looked into.
const DEPTH: usize = 8;

impl Cache {
    /// In this folder.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is there of a model.
    ///
    /// # Errors
    /// If nothing is, or the cache cannot be read.
    pub fn find(&self, id: &ModelId) -> Result<Snapshot> {
        let place = self.place(&id.repository);
        let commit = match id.revision.commit() {
            Some(commit) => Some(commit),
            None => place.meaning(id.revision.as_str())?,
        };
        let commit = commit.filter(|commit| place.snapshot(commit).is_dir());
        match commit {
            Some(commit) => self.snapshot(&id.repository, commit),
            None => Err(HubError::NotCached {
                id: id.clone(),
                cache: self.folder.clone(),
            }),
        }
    }

    /// Every state of every model that is there, in order of name and commit.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn all(&self) -> Result<Vec<Snapshot>> {
        let mut snapshots = Vec::new();
        for name in names_in(&self.folder)? {
            let Some(repository) = RepositoryId::of_folder(&name) else {
                continue;
            };
            let folder = self.folder.join(name).join("snapshots");
            for commit in names_in(&folder)? {
                if let Some(commit) = Commit::parse(&commit) {
                    snapshots.push(self.snapshot(&repository, commit)?);
                }
            }
        }
        Ok(snapshots)
    }

    fn snapshot(&self, repository: &RepositoryId, commit: Commit) -> Result<Snapshot> {
        let place = self.place(repository);
        let folder = place.snapshot(&commit);
        let mut revisions = Vec::new();
        for file in files_below(&place.refs(), "", DEPTH)? {
            if place.meaning(&file.name)?.as_ref() == Some(&commit) {
                revisions.push(file.name);
            }
        }
        Ok(Snapshot {
            repository: repository.clone(),
            revisions,
            files: files_below(&folder, "", DEPTH)?,
            folder,
            commit,
        })
    }

    pub(crate) fn place(&self, repository: &RepositoryId) -> Place {
        Place {
            folder: self.folder.join(repository.folder()),
            locks: self.folder.join(".locks").join(repository.folder()),
        }
    }
}

/// A repository's folder in the cache.
pub(crate) struct Place {
    folder: PathBuf,
    locks: PathBuf,
}

impl Place {
    fn refs(&self) -> PathBuf {
        self.folder.join("refs")
    }

    /// The commit that a branch or tag meant when it was last asked for.
    fn meaning(&self, revision: &str) -> Result<Option<Commit>> {
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

    /// Gives a content its name in a snapshot, which is to be locked. The link appears at once or not at
    /// all.
    pub(crate) fn link(&self, tag: &Tag, commit: &Commit, name: &str) -> Result<()> {
        let folder = self.snapshot(commit);
        std::fs::create_dir_all(&folder).map_err(io("make the folder", &folder))?;
        let pointer = folder.join(name);
        let target = Path::new("..").join("..").join("blobs").join(tag.as_str());
        if std::fs::read_link(&pointer).is_ok_and(|found| found == target) {
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

#[cfg(unix)]
fn point(from: &Path, target: &Path, _content: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, from)
}

/// Links need rights there that few have; `huggingface_hub` copies, too.
#[cfg(not(unix))]
fn point(from: &Path, _target: &Path, content: &Path) -> std::io::Result<()> {
    std::fs::copy(content, from).map(|_| ())
}
