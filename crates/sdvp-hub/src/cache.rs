//! The hub's cache on disk, read.

use crate::error::{HubError, Result};
use crate::id::{Commit, ModelId, RepositoryId};
use crate::place::Place;
use serde::Serialize;
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

/// What could not be done with a file or folder.
pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> HubError {
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
        Place::new(&self.folder, repository)
    }
}
