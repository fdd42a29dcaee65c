//! The footers of Parquet files, before a reader believes them.
//!
//! A Parquet file ends with what it says of its columns, in Thrift's compact protocol, the length of that
//! in four bytes, little-endian, and `PAR1`. Readers make room for as many entries of a list as its
//! header says there are, which a file of a few bytes can say of billions. So lists are compared here
//! with the bytes that are left to hold them.

use super::compact::{Compact, Fault};
use crate::limit::Found;
use crate::limits::{TABLE_DEPTH, TABLE_FOOTER};
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};

/// The length and `PAR1`.
const TAIL: u64 = 8;

/// Refuses a Parquet file whose footer is longer than [`TABLE_FOOTER`], or says of a list that it has more
/// entries than the footer could hold. What is no footer otherwise is the reader's to say.
///
/// # Errors
/// If it is refused, or the file cannot be read.
pub fn admit_table(mut file: impl Read + Seek) -> Result<()> {
    let size = file.seek(SeekFrom::End(0))?;
    let Some(before) = size.checked_sub(TAIL) else {
        return Ok(());
    };
    file.seek(SeekFrom::Start(before))?;
    let mut tail = [0; TAIL as usize];
    file.read_exact(&mut tail)?;
    let [a, b, c, d, ..] = tail;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let Some(start) = before.checked_sub(length) else {
        return Ok(());
    };
    TABLE_FOOTER.admit(length)?;
    file.seek(SeekFrom::Start(start))?;
    let mut footer = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact(&mut footer)?;
    let read = Compact(&footer).fields(0, &mut |_, _| ());
    match read {
        // It ends too early, or is no such text: readers say so without making room for anything.
        Ok(()) | Err(Fault::Malformed) => Ok(()),
        Err(Fault::Claim { entries, left }) => Err(Error::new(
            ErrorKind::InvalidData,
            format!(
                "the footer says that a list has {entries} entries, and has {left} bytes left for them"
            ),
        )),
        Err(Fault::Deep) => {
            let most = TABLE_DEPTH.value();
            Err(TABLE_DEPTH.exceeded(most, Found::More).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn table(footer: &[u8]) -> Vec<u8> {
        let length = (footer.len() as u32).to_le_bytes();
        [b"PAR1", footer, &length, b"PAR1"].concat()
    }

    fn admitted(footer: &[u8]) -> Result<()> {
        admit_table(Cursor::new(table(footer)))
    }

    #[test]
    fn lists_have_as_many_entries_as_there_is_room_for() {
        // A number, and a list of structures, each of one short text.
        let whole = [0x15, 4, 0x19, 0x2c, 0x18, 1, b'a', 0, 0x18, 1, b'b', 0, 0];
        assert!(admitted(&whole).is_ok());
        // The same list, of 2^31 - 1 entries.
        let claim = [
            0x15, 4, 0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x18, 0, 0,
        ];
        let error = admitted(&claim).unwrap_err().to_string();
        assert!(error.contains("2147483647 entries"), "{error}");
        // Whatever else it may be is for the reader.
        assert!(admitted(&[0xff, 0x1b]).is_ok());
        assert!(admitted(&[]).is_ok());
        assert!(admit_table(Cursor::new(b"PAR1")).is_ok());
        assert!(admit_table(Cursor::new(b"\xff\xff\xff\xffPAR1")).is_ok());
    }

    #[test]
    fn footers_are_neither_long_nor_deep() {
        let usual = usize::try_from(TABLE_FOOTER.usual()).unwrap();
        assert!(admitted(&vec![0; usual]).is_ok());
        let error = admitted(&vec![0; usual + 1]).unwrap_err().to_string();
        assert!(error.contains("the limit table-footer is"), "{error}");
        let levels = usize::try_from(TABLE_DEPTH.usual()).unwrap();
        let nested = |levels: usize| [vec![0x1c; levels], vec![0; levels + 1]].concat();
        assert!(admitted(&nested(levels)).is_ok());
        let error = admitted(&nested(levels + 1)).unwrap_err().to_string();
        assert!(error.contains("the limit table-depth is"), "{error}");
        assert!(admitted(&vec![0x19; 1 << 20]).is_err());
    }

    #[test]
    fn changed_footers_are_read_or_refused() {
        let whole = [0x15, 4, 0x19, 0x2c, 0x18, 1, b'a', 0, 0x18, 1, b'b', 0, 0];
        for at in 0..whole.len() {
            for byte in 0..=255 {
                let mut changed = whole;
                changed[at] = byte;
                let _ = admitted(&changed);
            }
        }
    }
}
