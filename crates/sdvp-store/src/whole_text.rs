//! Texts are believed only if they are what was written, by the digests that they are found by.

use crate::database::named;
use crate::digest_column::half;
use crate::error::{Result, StoreError};
use crate::reader::RunReader;
use rusqlite::{Connection, Row};
use sdvp_core::Digest;
use std::path::Path;

/// Characters of a text that is not believed.
const SHOWN: usize = 60;

/// Looks for texts in a database that are not what was written.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<()> {
    let read = |source| named(path, "check", source);
    let texts = "SELECT value, digest FROM text";
    let mut statement = connection.prepare(texts).map_err(read)?;
    let mut rows = statement.query([]).map_err(read)?;
    while let Some(row) = rows.next().map_err(read)? {
        let bytes = |at: usize| Ok::<_, rusqlite::Error>(row.get_ref(at)?.as_bytes()?);
        let (text, digest) = (bytes(0).map_err(read)?, bytes(1).map_err(read)?);
        admit(path, text, digest)?;
    }
    Ok(())
}

fn admit(path: &Path, text: &[u8], digest: &[u8]) -> Result<()> {
    if half(&Digest::of(text)) == digest {
        return Ok(());
    }
    let text = String::from_utf8_lossy(text);
    let shown: String = text.chars().take(SHOWN).collect();
    Err(StoreError::Damaged {
        path: path.to_owned(),
        finding: format!("the text {shown:?} is not what was written"),
    })
}

impl RunReader {
    /// A text, if there is one in a column; its digest is in another.
    pub(crate) fn text(&self, row: &Row, at: usize, digest: usize) -> Result<Option<String>> {
        let get = |source| self.cannot_read(source);
        let text: Option<String> = row.get(at).map_err(get)?;
        if let Some(text) = &text {
            let digest = row.get_ref(digest).map_err(get)?;
            let digest = digest.as_blob().map_err(|error| get(error.into()))?;
            admit(&self.path, text.as_bytes(), digest)?;
        }
        Ok(text)
    }

    /// As [`RunReader::text`] of what is never missing.
    pub(crate) fn known_text(&self, row: &Row, at: usize, digest: usize) -> Result<String> {
        let text = self.text(row, at, digest)?;
        text.ok_or_else(|| StoreError::Damaged {
            path: self.path.clone(),
            finding: "a text is missing".to_owned(),
        })
    }
}
