//! Readers that stop giving when one record takes too much.

use crate::limits::LINE_BYTES;
use sdvp_core::Found;
use std::cell::Cell;
use std::io::{Read, Result};
use std::rc::Rc;

/// A reader whose allowance has to be renewed for every record, so that a quotation mark that is
/// never closed does not make a parser take in the whole file.
pub(crate) struct Metered<R> {
    reader: R,
    allowance: usize,
    left: Rc<Cell<usize>>,
}

impl<R> Metered<R> {
    /// The reader, and what it may still give.
    pub(crate) fn new(reader: R, allowance: usize) -> (Self, Rc<Cell<usize>>) {
        let left = Rc::new(Cell::new(allowance));
        let metered = Self {
            reader,
            allowance,
            left: Rc::clone(&left),
        };
        (metered, left)
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(LINE_BYTES
                .exceeded(self.allowance as u64, Found::More)
                .into());
        }
        let most = buffer.len().min(left);
        let count = self.reader.read(&mut buffer[..most])?;
        self.left.set(left - count);
        Ok(count)
    }
}
