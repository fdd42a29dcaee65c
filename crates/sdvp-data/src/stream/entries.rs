//! The entries of one large JSON object or list.

use super::{PIECE, json_error};
use crate::DatasetError;
use crate::limits::RECORD_BYTES;
use sdvp_core::limits::JSON_DEPTH;
use sdvp_core::{Exceeded, Found};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// One entry of the outermost object or list.
pub(crate) struct Entry<'a> {
    /// Its key, in an object.
    pub(crate) key: Option<String>,
    /// Its number, from 1.
    pub(crate) number: usize,
    /// The line in which its value starts, from 1.
    pub(crate) line: usize,
    /// The column (in bytes) in which its value starts, from 1.
    pub(crate) column: usize,
    /// The text of its value, still to be parsed: only quotes and brackets have been looked at.
    pub(crate) text: &'a [u8],
}

impl Entry<'_> {
    /// How to name the record to people.
    pub(crate) fn name(&self, what: &str) -> String {
        match &self.key {
            Some(key) => format!("{what} {key:?}"),
            None => format!("{what} {}", self.number),
        }
    }
}

/// The values of an object or a list, one after the other.
pub(crate) struct Entries<R> {
    path: PathBuf,
    source: Source<R>,
    /// The byte that ends it: `}` or `]`.
    close: u8,
    number: usize,
    text: Vec<u8>,
    bounds: Bounds,
}

/// What a record may be.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Most bytes.
    pub(crate) bytes: usize,
    /// Deepest nesting; published records have five levels.
    pub(crate) depth: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: RECORD_BYTES.size(),
            depth: JSON_DEPTH.size(),
        }
    }
}

impl Entries<File> {
    /// Opens a file that should hold one object or list, which `expected` describes.
    pub(crate) fn open(path: &Path, expected: &'static str) -> Result<Self, DatasetError> {
        let file = File::open(path).map_err(|source| DatasetError::read(path, source))?;
        Self::new(path, file, expected, Bounds::default())
    }
}

impl<R: Read> Entries<R> {
    pub(crate) fn new(
        path: &Path,
        reader: R,
        expected: &'static str,
        bounds: Bounds,
    ) -> Result<Self, DatasetError> {
        let mut source = Source::new(path, reader);
        source.skip_mark()?;
        let close = match source.token()? {
            Some(b'{') => b'}',
            Some(b'[') => b']',
            other => {
                return Err(DatasetError::Layout {
                    path: path.to_owned(),
                    expected,
                    found: found(other),
                });
            }
        };
        source.at += 1;
        Ok(Self {
            path: path.to_owned(),
            source,
            close,
            number: 0,
            text: Vec::new(),
            bounds,
        })
    }

    /// Whether entries have keys.
    pub(crate) fn is_object(&self) -> bool {
        self.close == b'}'
    }

    /// The next entry.
    pub(crate) fn next(&mut self) -> Result<Option<Entry<'_>>, DatasetError> {
        let token = self.source.token()?;
        if token == Some(self.close) {
            self.source.at += 1;
            return match self.source.token()? {
                None => Ok(None),
                other => Err(self.source.wrong("the end of the file", other)),
            };
        }
        if self.number > 0 {
            if token != Some(b',') {
                let expected = if self.is_object() {
                    "`,` or `}`"
                } else {
                    "`,` or `]`"
                };
                return Err(self.source.wrong(expected, token));
            }
            self.source.at += 1;
            self.source.token()?;
        }
        self.number += 1;
        let key = if self.is_object() {
            Some(self.key()?)
        } else {
            None
        };
        let token = self.source.token()?;
        let (line, column) = (self.source.line, self.source.column());
        let name = match &key {
            Some(key) => format!("record {key:?}"),
            None => format!("record {}", self.number),
        };
        if matches!(token, None | Some(b',' | b':' | b'}' | b']')) {
            return Err(self.source.wrong("a value", token));
        }
        self.text.clear();
        self.source.value(&mut self.text, self.bounds, &name)?;
        Ok(Some(Entry {
            key,
            number: self.number,
            line,
            column,
            text: &self.text,
        }))
    }

    fn key(&mut self) -> Result<String, DatasetError> {
        let token = self.source.token()?;
        if token != Some(b'"') {
            return Err(self.source.wrong("a key in quotes", token));
        }
        let (line, column) = (self.source.line, self.source.column());
        self.text.clear();
        let name = format!("the key of record {}", self.number);
        self.source.value(&mut self.text, self.bounds, &name)?;
        let key = serde_json::from_slice(&self.text)
            .map_err(|error| json_error(&self.path, line, column, &error))?;
        let token = self.source.token()?;
        if token != Some(b':') {
            return Err(self.source.wrong("`:`", token));
        }
        self.source.at += 1;
        Ok(key)
    }
}

fn found(token: Option<u8>) -> String {
    match token {
        None => "the end of the file".to_owned(),
        Some(byte) => format!("`{}`", byte.escape_ascii()),
    }
}

/// Bytes of the file with their place.
struct Source<R> {
    path: PathBuf,
    reader: R,
    piece: Vec<u8>,
    /// The next byte, and where bytes end, in the piece.
    at: usize,
    end: usize,
    /// Where the piece starts in the file.
    start: usize,
    /// The current line, from 1, and where it starts in the file.
    line: usize,
    line_start: usize,
}

impl<R: Read> Source<R> {
    fn new(path: &Path, reader: R) -> Self {
        Self {
            path: path.to_owned(),
            reader,
            piece: vec![0; PIECE],
            at: 0,
            end: 0,
            start: 0,
            line: 1,
            line_start: 0,
        }
    }

    fn column(&self) -> usize {
        (self.start + self.at).saturating_sub(self.line_start) + 1
    }

    fn wrong(&self, expected: &str, token: Option<u8>) -> DatasetError {
        DatasetError::Json {
            path: self.path.clone(),
            line: self.line,
            column: self.column(),
            reason: format!("expected {expected}, found {}", found(token)),
        }
    }

    /// Whether there is a byte to look at.
    fn fill(&mut self) -> Result<bool, DatasetError> {
        while self.at >= self.end {
            self.start += self.end;
            (self.at, self.end) = (0, 0);
            match self.reader.read(&mut self.piece) {
                Ok(0) => return Ok(false),
                Ok(count) => self.end = count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(DatasetError::read(&self.path, source)),
            }
        }
        Ok(true)
    }

    /// Passes over the mark that some editors put before UTF-8.
    fn skip_mark(&mut self) -> Result<(), DatasetError> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        // Readers may give less than was asked for.
        while self.end < MARK.len() {
            match self.reader.read(&mut self.piece[self.end..]) {
                Ok(0) => break,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(DatasetError::read(&self.path, source)),
            }
        }
        if self.piece[..self.end].starts_with(MARK) {
            self.at += MARK.len();
        }
        Ok(())
    }

    /// The next byte that is not space, without taking it.
    fn token(&mut self) -> Result<Option<u8>, DatasetError> {
        while self.fill()? {
            while self.at < self.end {
                match self.piece[self.at] {
                    b'\n' => {
                        self.at += 1;
                        self.line += 1;
                        self.line_start = self.start + self.at;
                    }
                    b' ' | b'\t' | b'\r' => self.at += 1,
                    byte => return Ok(Some(byte)),
                }
            }
        }
        Ok(None)
    }

    /// Takes one value into `text`. What it holds is not looked at beyond quotes and brackets.
    fn value(
        &mut self,
        text: &mut Vec<u8>,
        bounds: Bounds,
        name: &str,
    ) -> Result<(), DatasetError> {
        let beyond =
            |path: &Path, exceeded: Exceeded| Err(DatasetError::beyond(path, name)(exceeded));
        let mut scan = Scan {
            most: bounds.depth,
            ..Scan::default()
        };
        loop {
            if !self.fill()? {
                return match scan.depth == 0 && !scan.in_string && !text.is_empty() {
                    true => Ok(()),
                    false => Err(self.wrong(&format!("the end of {name}"), None)),
                };
            }
            let bytes = &self.piece[self.at..self.end];
            let (count, done) = scan.over(bytes);
            let taken = &bytes[..count];
            if text.len() + count > bounds.bytes {
                let most = bounds.bytes as u64;
                return beyond(&self.path, RECORD_BYTES.exceeded(most, Found::More));
            }
            for end in memchr::memchr_iter(b'\n', taken) {
                self.line += 1;
                self.line_start = self.start + self.at + end + 1;
            }
            text.extend_from_slice(taken);
            self.at += count;
            match done {
                Done::No => {}
                Done::Yes => return Ok(()),
                Done::TooDeep => {
                    let most = bounds.depth as u64;
                    return beyond(&self.path, JSON_DEPTH.exceeded(most, Found::More));
                }
            }
        }
    }
}

/// How far a value has been scanned.
#[derive(Default)]
struct Scan {
    /// Deepest that is allowed.
    most: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

enum Done {
    No,
    Yes,
    TooDeep,
}

impl Scan {
    /// How many of these bytes belong to the value, and whether it ends with them.
    fn over(&mut self, bytes: &[u8]) -> (usize, Done) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                    at += 1;
                    continue;
                }
                match memchr::memchr2(b'"', b'\\', &bytes[at..]) {
                    None => return (bytes.len(), Done::No),
                    Some(ahead) => {
                        self.escaped = bytes[at + ahead] == b'\\';
                        self.in_string = self.escaped;
                        at += ahead + 1;
                        if !self.in_string && self.depth == 0 {
                            return (at, Done::Yes);
                        }
                    }
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.depth += 1;
                    if self.depth > self.most {
                        return (at, Done::TooDeep);
                    }
                }
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, Done::Yes);
                    }
                }
                // A number or a word ends before what follows it.
                b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {
                    return (at, Done::Yes);
                }
                _ => {}
            }
            at += 1;
        }
        (at, Done::No)
    }
}
