//! What is written once and spoken of by number: texts, pictures, modules.

use crate::digest_column::half;
use crate::record::ModuleIdentity;
use rusqlite::{Connection, OptionalExtension, params};
use sdvp_core::Digest;
use std::collections::HashMap;

/// Numbers of each kind that are remembered; beyond that many they are looked up again. A run's memory
/// must not grow with its questions: these are a few megabytes.
const REMEMBERED: usize = 1 << 15;

/// Numbers of what is in the database. After a transaction that failed it must be forgotten:
/// what it speaks of may not be there.
#[derive(Default)]
pub(crate) struct Interned {
    texts: HashMap<[u8; 16], i64>,
    images: HashMap<Digest, (i64, bool)>,
    modules: HashMap<ModuleIdentity, i64>,
}

impl Interned {
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The number of a text, written if it is new.
    pub(crate) fn text(&mut self, connection: &Connection, text: &str) -> rusqlite::Result<i64> {
        let digest = half(&Digest::of(text.as_bytes()));
        if let Some(id) = self.texts.get(&digest) {
            return Ok(*id);
        }
        let mut insert = connection.prepare_cached(
            "INSERT INTO text (digest, value) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
        )?;
        let id = if insert.execute(params![digest, text])? == 1 {
            connection.last_insert_rowid()
        } else {
            let mut known = connection.prepare_cached("SELECT id FROM text WHERE digest = ?1")?;
            known.query_row(params![digest], |row| row.get(0))?
        };
        if self.texts.len() >= REMEMBERED {
            self.texts.clear();
        }
        self.texts.insert(digest, id);
        Ok(id)
    }

    /// As [`Interned::text`] of what may be missing.
    pub(crate) fn optional(
        &mut self,
        connection: &Connection,
        text: Option<&str>,
    ) -> rusqlite::Result<Option<i64>> {
        text.map(|text| self.text(connection, text)).transpose()
    }

    /// Whether a picture is known to be kept as a file.
    pub(crate) fn is_kept(&self, digest: &Digest) -> bool {
        self.images.get(digest).is_some_and(|(_, kept)| *kept)
    }

    /// The number of a picture, written if it is new; `kept` if its file is there.
    pub(crate) fn image(
        &mut self,
        connection: &Connection,
        digest: &Digest,
        kept: bool,
    ) -> rusqlite::Result<i64> {
        if let Some((id, known)) = self.images.get(digest)
            && (*known || !kept)
        {
            return Ok(*id);
        }
        let mut insert = connection.prepare_cached(
            "INSERT INTO image (digest, kept) VALUES (?1, ?2)
             ON CONFLICT (digest) DO UPDATE SET kept = max(kept, excluded.kept)
             RETURNING id, kept",
        )?;
        let row = insert.query_row(params![digest.as_bytes(), kept], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        if self.images.len() >= REMEMBERED {
            self.images.clear();
        }
        self.images.insert(*digest, row);
        Ok(row.0)
    }

    /// The number of a module, written if it is new.
    pub(crate) fn module(
        &mut self,
        connection: &Connection,
        module: &ModuleIdentity,
    ) -> rusqlite::Result<i64> {
        if let Some(id) = self.modules.get(module) {
            return Ok(*id);
        }
        let key = params![module.name, module.fingerprint.as_bytes()];
        let mut known = connection
            .prepare_cached("SELECT id FROM module WHERE name = ?1 AND fingerprint = ?2")?;
        let id = match known.query_row(key, |row| row.get(0)).optional()? {
            Some(id) => id,
            None => {
                connection.execute(
                    "INSERT INTO module (name, fingerprint) VALUES (?1, ?2)",
                    key,
                )?;
                connection.last_insert_rowid()
            }
        };
        self.modules.insert(module.clone(), id);
        Ok(id)
    }
}
