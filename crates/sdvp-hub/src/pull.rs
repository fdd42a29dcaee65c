//! A model's files, from the hub into its cache.

use crate::Watch;
use crate::blob::Blob;
use crate::cache::{CachedFile, Snapshot};
use crate::client::Client;
use crate::conversion::how_to_convert;
use crate::digest::Tag;
use crate::error::{HubError, Result};
use crate::files::{CONFIG, INDEX, Listing, Weights};
use crate::id::{Commit, ModelId};
use crate::place::Place;
use crate::settings::Settings;
use sdvp_core::limits::SETTINGS_FILE;
use sdvp_core::read_within;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is in the cache now.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// What was asked for.
    pub id: ModelId,
    /// The commit that it meant.
    pub commit: Commit,
    /// Where the files are.
    pub folder: PathBuf,
    /// The files, in order of name.
    pub files: Vec<PulledFile>,
    /// Whether the hub was asked; if not, a newer state may be there.
    pub asked: bool,
}

/// A file that is in the cache now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PulledFile {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// How many bytes of it came just now.
    pub downloaded: u64,
}

impl Pulled {
    /// The size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// How many bytes came just now.
    pub fn downloaded(&self) -> u64 {
        self.files.iter().map(|file| file.downloaded).sum()
    }

    fn found(id: &ModelId, snapshot: Snapshot) -> Self {
        let there = |CachedFile { name, bytes }| PulledFile {
            name,
            bytes,
            downloaded: 0,
        };
        Self {
            id: id.clone(),
            commit: snapshot.commit,
            folder: snapshot.folder,
            files: snapshot.files.into_iter().map(there).collect(),
            asked: false,
        }
    }
}

/// What the hub says of a repository.
#[derive(Deserialize)]
struct Repository {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

/// Downloads what of a model is used here, except what is in the cache. All contents come before any of
/// them gets its name in the snapshot, and the revision is noted last: what can be found is whole.
/// Where the hub is not to be asked, what is in the cache has to do.
///
/// # Errors
/// If the hub does not give it, it is no checkpoint that can be read, what comes is not what was
/// announced, or the cache cannot be written.
pub fn pull(settings: &Settings, id: &ModelId, watch: &dyn Watch) -> Result<Pulled> {
    if settings.offline {
        return match settings.cache.find(id) {
            Ok(snapshot) => {
                // Python may have downloaded a part of it only.
                let names = snapshot.files.iter().map(|file| file.name.clone());
                let listing = Listing::new(id, names)?;
                listing.settings(id)?;
                if matches!(listing.weights(id)?, Weights::Parts) {
                    let index = snapshot.folder.join(INDEX);
                    let read =
                        read_within(&index, &SETTINGS_FILE).map_err(|source| HubError::Io {
                            doing: "read",
                            path: index.clone(),
                            source,
                        })?;
                    listing.parts(id, &read, &index.display().to_string())?;
                }
                Ok(Pulled::found(id, snapshot))
            }
            Err(HubError::NotCached { id, cache }) => Err(HubError::Offline { id, cache }),
            Err(other) => Err(other),
        };
    }
    let client = Client::new(settings);
    let url = client.endpoint.listing(id);
    let wrong = |found: String| HubError::Answer {
        url: url.clone(),
        expected: "a commit and the names of files, as JSON",
        found,
    };
    let said: Repository = serde_json::from_slice(&client.listing(id, watch)?)
        .map_err(|error| wrong(error.to_string()))?;
    let commit = Commit::parse(&said.sha).ok_or_else(|| wrong(format!("{:?}", said.sha)))?;
    let names = said.siblings.into_iter().map(|file| file.rfilename);
    let errand = Errand {
        client: &client,
        place: settings.cache.place(&id.repository),
        id,
        commit,
        listing: Listing::new(id, names)?,
        watch,
    };
    errand.run()
}

/// A content that is there, by the name it is to have.
struct Fetched {
    file: PulledFile,
    tag: Tag,
}

struct Errand<'a> {
    client: &'a Client,
    place: Place,
    id: &'a ModelId,
    commit: Commit,
    listing: Listing,
    watch: &'a dyn Watch,
}

impl Errand<'_> {
    fn run(self) -> Result<Pulled> {
        let names = self.listing.settings(self.id)?;
        let weights = self.listing.weights(self.id)?;
        if let Weights::Pickled(file) = weights {
            let config = self.read(&self.fetch(CONFIG)?)?;
            let page = self.client.endpoint.page(self.id);
            return Err(HubError::Pickled {
                id: self.id.clone(),
                file,
                advice: how_to_convert(self.id, &self.commit, &page, &config),
            });
        }
        let mut fetched = Vec::new();
        for name in names {
            fetched.push(self.fetch(name)?);
        }
        match weights {
            Weights::Parts => {
                let index = self.fetch(INDEX)?;
                let url = self.client.endpoint.file(self.id, &self.commit, INDEX);
                let parts = self.listing.parts(self.id, &self.read(&index)?, &url)?;
                for part in &parts {
                    fetched.push(self.fetch(part)?);
                }
                fetched.push(index);
            }
            Weights::Whole(name) => fetched.push(self.fetch(name)?),
            Weights::Pickled(_) => {}
        }
        // Nothing without its settings is taken for a checkpoint, so they come last.
        fetched.sort_by(|a, b| {
            let key = |f: &Fetched| (f.file.name == CONFIG, f.file.name.clone());
            key(a).cmp(&key(b))
        });
        self.name(&fetched)?;
        let mut files: Vec<PulledFile> = fetched.into_iter().map(|content| content.file).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Pulled {
            id: self.id.clone(),
            folder: self.place.snapshot(&self.commit),
            commit: self.commit,
            files,
            asked: true,
        })
    }

    /// Gives all contents their names, and the commit that of the revision.
    fn name(&self, fetched: &[Fetched]) -> Result<()> {
        let revision = match self.id.revision.commit() {
            Some(_) => None,
            None => Some(self.id.revision.as_str()),
        };
        let is_noted = match revision {
            Some(revision) => self.place.meaning(revision)?.as_ref() == Some(&self.commit),
            None => true,
        };
        let linked = |content: &Fetched| {
            self.place
                .is_linked(&content.tag, &self.commit, &content.file.name)
        };
        if is_noted && fetched.iter().all(linked) {
            return Ok(());
        }
        let _lock = self.place.lock(self.commit.as_str(), || ())?;
        for content in fetched {
            self.place
                .link(&content.tag, &self.commit, &content.file.name)?;
        }
        match revision {
            Some(revision) => self.place.note(revision, &self.commit),
            None => Ok(()),
        }
    }

    fn fetch(&self, name: &str) -> Result<Fetched> {
        let url = self.client.endpoint.file(self.id, &self.commit, name);
        let head = self.client.head(self.id, &self.commit, name, self.watch)?;
        let tag = Tag::parse(&head.tag).ok_or_else(|| HubError::Answer {
            url: url.clone(),
            expected: "a tag of 40 or 64 hexadecimal digits",
            found: format!("{:?}", head.tag),
        })?;
        let blob = Blob {
            id: self.id,
            name,
            url: &url,
            tag: &tag,
            bytes: head.bytes,
        };
        let downloaded = blob.fetch(self.client, &self.place, self.watch)?;
        Ok(Fetched {
            file: PulledFile {
                name: name.to_owned(),
                bytes: head.bytes,
                downloaded,
            },
            tag,
        })
    }

    /// A small file's content.
    fn read(&self, content: &Fetched) -> Result<Vec<u8>> {
        let path = self.place.blob(&content.tag);
        read_within(&path, &SETTINGS_FILE).map_err(|source| HubError::Io {
            doing: "read",
            path,
            source,
        })
    }
}
