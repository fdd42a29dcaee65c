//! One file's content: downloaded, gone on with where it broke off, checked, and only then there.

use crate::Watch;
use crate::client::{Client, Reply, Subject, header};
use crate::digest::{Hash, Tag};
use crate::error::{HubError, Result};
use crate::id::ModelId;
use crate::patience::{Failure, Patience};
use crate::place::Place;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes read at once.
const PIECE: usize = 128 << 10;
/// A connection that brought so many bytes has worked.
const WORTH: u64 = 1 << 20;

/// What is to come.
pub(crate) struct Blob<'a> {
    pub(crate) id: &'a ModelId,
    pub(crate) name: &'a str,
    pub(crate) url: &'a str,
    pub(crate) tag: &'a Tag,
    pub(crate) bytes: u64,
}

impl Blob<'_> {
    fn damaged(&self, expected: String, found: String) -> HubError {
        HubError::Damaged {
            id: self.id.clone(),
            file: self.name.to_owned(),
            expected,
            found,
        }
    }

    /// Brings the content into the cache, if it is not there. Returns how many bytes came.
    pub(crate) fn fetch(&self, client: &Client, place: &Place, watch: &dyn Watch) -> Result<u64> {
        let whole = place.blob(self.tag);
        let is_there = || std::fs::metadata(&whole).is_ok_and(|about| about.len() == self.bytes);
        // Before anything is written: the cache may be one that can only be read.
        if is_there() {
            return Ok(0);
        }
        place.make_blobs()?;
        let _lock = place.lock(self.tag.as_str(), || watch.queue(self.name))?;
        if is_there() {
            return Ok(0);
        }
        let mut partial = Partial::open(place.partial(self.tag), self)?;
        let already = partial.got;
        watch.begin(self.name, self.bytes, already);
        let mut came = self.download(client, &mut partial, watch)?;
        let mut found = partial.tag(self)?;
        if already > 0 && found != *self.tag {
            // What was there before may be of another making.
            partial.restart(self)?;
            watch.restart();
            came += self.download(client, &mut partial, watch)?;
            found = partial.tag(self)?;
        }
        if found != *self.tag {
            partial.remove()?;
            return Err(self.damaged(self.tag.to_string(), found.to_string()));
        }
        partial.finish(&whole)?;
        watch.end();
        Ok(came)
    }

    fn download(&self, client: &Client, partial: &mut Partial, watch: &dyn Watch) -> Result<u64> {
        let mut patience = Patience::default();
        let (mut came, mut farthest) = (0, partial.got);
        while partial.got < self.bytes {
            let subject = Subject {
                id: self.id,
                file: Some(self.name),
            };
            let received = client
                .file(subject, self.url, partial.got)
                .and_then(|reply| self.receive(reply, partial, &mut came, watch));
            // Not what came, but how far it got: a server that always begins anew would do so for ever.
            if partial.got >= farthest + WORTH {
                farthest = partial.got;
                patience.restore();
            }
            if let Err(failure) = received {
                patience.wait(failure, self.url, watch)?;
            }
        }
        Ok(came)
    }

    /// Adds what an answer brings.
    fn receive(
        &self,
        reply: Reply,
        partial: &mut Partial,
        came: &mut u64,
        watch: &dyn Watch,
    ) -> std::result::Result<(), Failure> {
        let range = header(&reply.headers, "content-range").unwrap_or_default();
        let goes_on = reply.status == 206 && range.starts_with(&format!("bytes {}-", partial.got));
        if !goes_on && partial.got > 0 {
            // The server knows no ranges, or not this one: all comes anew.
            partial.restart(self)?;
            watch.restart();
        }
        if !goes_on && reply.status != 200 {
            let error = HubError::Answer {
                url: reply.url,
                expected: "the file, or the rest of it",
                found: format!("status {} and range {range:?}", reply.status),
            };
            return Err(Failure::Passing(Box::new(error), None));
        }
        let mut body = reply.body.into_reader();
        let mut piece = vec![0; PIECE];
        loop {
            let broken = |got, reason: String| {
                let error = HubError::BrokenOff {
                    url: self.url.to_owned(),
                    got,
                    expected: self.bytes,
                    reason,
                };
                Failure::Passing(Box::new(error), None)
            };
            let count = match body.read(&mut piece) {
                Ok(count) => count,
                Err(error) => return Err(broken(partial.got, error.to_string())),
            };
            let new = piece.get(..count).unwrap_or_default();
            if new.is_empty() {
                return match partial.got < self.bytes {
                    true => Err(broken(partial.got, "the connection ended".to_owned())),
                    false => Ok(()),
                };
            }
            let total = partial.got + new.len() as u64;
            if total > self.bytes {
                partial.remove()?;
                let sizes = (format!("{} bytes", self.bytes), "more".to_owned());
                return Err(self.damaged(sizes.0, sizes.1).into());
            }
            partial.add(new)?;
            *came += new.len() as u64;
            watch.advance(new.len() as u64);
        }
    }
}

/// What is there of a content that is not whole.
struct Partial {
    path: PathBuf,
    file: File,
    hash: Hash,
    got: u64,
}

impl Partial {
    fn open(path: PathBuf, blob: &Blob<'_>) -> Result<Self> {
        let failed = |source| HubError::Io {
            doing: "write",
            path: path.clone(),
            source,
        };
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(failed)?;
        let mut got = file.metadata().map_err(failed)?.len();
        let mut hash = Hash::like(blob.tag, blob.bytes);
        if got > blob.bytes {
            file.set_len(0).map_err(failed)?;
            got = 0;
        }
        let mut piece = vec![0; PIECE];
        let mut before = (&mut file).take(got);
        loop {
            let count = before.read(&mut piece).map_err(failed)?;
            if count == 0 {
                break;
            }
            hash.update(piece.get(..count).unwrap_or_default());
        }
        Ok(Self {
            path,
            file,
            hash,
            got,
        })
    }

    fn failed(&self, source: std::io::Error) -> HubError {
        HubError::Io {
            doing: "write",
            path: self.path.clone(),
            source,
        }
    }

    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(|source| self.failed(source))?;
        self.hash.update(bytes);
        self.got += bytes.len() as u64;
        Ok(())
    }

    fn restart(&mut self, blob: &Blob<'_>) -> Result<()> {
        let emptied = self.file.set_len(0);
        let emptied = emptied.and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|source| self.failed(source))?;
        self.hash = Hash::like(blob.tag, blob.bytes);
        self.got = 0;
        Ok(())
    }

    /// The tag of what is there.
    fn tag(&mut self, blob: &Blob<'_>) -> Result<Tag> {
        let fresh = Hash::like(blob.tag, blob.bytes);
        Ok(std::mem::replace(&mut self.hash, fresh).finish())
    }

    fn remove(&self) -> Result<()> {
        std::fs::remove_file(&self.path).map_err(|source| self.failed(source))
    }

    /// Makes it whole under its own name.
    fn finish(self, whole: &Path) -> Result<()> {
        let moved = self.file.sync_all();
        let moved = moved.and_then(|()| std::fs::rename(&self.path, whole));
        moved.map_err(|source| self.failed(source))
    }
}
