//! Lines of bounded length.

use super::PIECE;
use crate::DatasetError;
use crate::limits::LINE_BYTES;
use sdvp_core::Found;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// One line of a file.
pub(crate) struct Line<'a> {
    /// Its number, from 1.
    pub(crate) number: usize,
    /// Bytes of the file before it.
    pub(crate) start: u64,
    /// Its bytes, without the end of the line.
    pub(crate) text: &'a [u8],
}

/// The lines of a file that hold more than spaces.
pub(crate) struct Lines<R> {
    path: PathBuf,
    reader: BufReader<R>,
    line: Vec<u8>,
    number: usize,
    /// Bytes that were read.
    read: u64,
    longest: usize,
}

impl Lines<File> {
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> Result<Self, DatasetError> {
        let file = File::open(path).map_err(|source| DatasetError::read(path, source))?;
        Ok(Self::new(path, file, LINE_BYTES.size()))
    }
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(path: &Path, reader: R, longest: usize) -> Self {
        Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(PIECE, reader),
            line: Vec::new(),
            number: 0,
            read: 0,
            longest,
        }
    }

    /// The next line.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'_>>, DatasetError> {
        let mut start;
        loop {
            start = self.read;
            self.line.clear();
            self.number += 1;
            // One more than allowed, so that a line of just the allowed length is told from a longer.
            let most = self.longest as u64 + 1;
            let count = self
                .reader
                .by_ref()
                .take(most)
                .read_until(b'\n', &mut self.line)
                .map_err(|source| DatasetError::read(&self.path, source))?;
            if count == 0 {
                return Ok(None);
            }
            self.read += count as u64;
            if self.line.last() == Some(&b'\n') {
                self.line.pop();
            } else if count > self.longest {
                let record = format!("line {}", self.number);
                let exceeded = LINE_BYTES.exceeded(self.longest as u64, Found::More);
                return Err(DatasetError::beyond(&self.path, &record)(exceeded));
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                break;
            }
        }
        let mark: &[u8] = if self.number == 1 {
            b"\xef\xbb\xbf"
        } else {
            b""
        };
        Ok(Some(Line {
            number: self.number,
            start,
            text: self.line.strip_prefix(mark).unwrap_or(&self.line),
        }))
    }
}
