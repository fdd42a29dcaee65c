//! The pages of Parquet files, by their headers.

use super::compact::{Compact, Fault};
use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom};

/// Bytes of a page's header that are read at once; one with long statistics is read again.
const PIECE: u64 = 1 << 12;

/// How many bytes the pages of a column unpack to, as each says in its header. The pages lie one behind the
/// other from `start` on, in `length` bytes. Readers make room for that much, whatever the file says of
/// the column as a whole. From a header on that is none, what follows is the reader's to say.
///
/// # Errors
/// If the file cannot be read, or a page says that it has less than nothing.
pub fn unpacked_pages(mut file: impl Read + Seek, start: u64, length: u64) -> Result<u64> {
    let end = start.saturating_add(length);
    let (mut at, mut sum) = (start, 0_u64);
    while at < end {
        let Some(page) = page(&mut file, at, end - at)? else {
            break;
        };
        let size = |bytes: i64| {
            u64::try_from(bytes).map_err(|_| {
                let said = format!("a page at byte {at} says that it has {bytes} bytes");
                Error::new(ErrorKind::InvalidData, said)
            })
        };
        sum = sum.saturating_add(size(page.unpacked)?);
        let packed = size(page.packed)?;
        at = at.saturating_add(page.header).saturating_add(packed);
    }
    Ok(sum)
}

/// What a page's header says.
struct Page {
    header: u64,
    unpacked: i64,
    packed: i64,
}

/// The header at a place, with at most `left` bytes.
fn page(file: &mut (impl Read + Seek), at: u64, left: u64) -> Result<Option<Page>> {
    let mut piece = PIECE;
    loop {
        let most = piece.min(left);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(at))?;
        file.take(most).read_to_end(&mut bytes)?;
        let (mut unpacked, mut packed) = (0, 0);
        let mut rest = Compact(&bytes);
        let read = rest.fields(0, &mut |field, number| match field {
            2 => unpacked = number,
            3 => packed = number,
            _ => {}
        });
        match read {
            Ok(()) => {
                let header = (bytes.len() - rest.0.len()) as u64;
                return Ok(Some(Page {
                    header,
                    unpacked,
                    packed,
                }));
            }
            Err(Fault::Malformed) if most < left && bytes.len() as u64 == most => piece *= 16,
            Err(_) => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// The header of a page: its kind, two sizes, and a structure.
    fn header(unpacked: &[u8], packed: u8, more: &[u8]) -> Vec<u8> {
        [&[0x15, 0, 0x15], unpacked, &[0x15, packed], more, &[0]].concat()
    }

    #[test]
    fn what_pages_say_is_added_up() {
        // Sizes are doubled: the lowest bit says whether they are negative.
        let first = [header(&[14], 6, &[0x2c, 0x15, 4, 0]), vec![9; 3]].concat();
        // Statistics that are longer than a piece.
        let long = [&[0x2c, 0x18, 0xc0, 0x9a, 0x0c][..], &[7; 200_000], &[0]].concat();
        let second = [header(&[0xc0, 0x3e], 2, &long), vec![9]].concat();
        let file = [&b"PAR1"[..], &first, &second].concat();
        let pages = |length: usize| unpacked_pages(Cursor::new(&file), 4, length as u64).unwrap();
        assert_eq!(pages(first.len()), 7);
        assert_eq!(pages(first.len() + second.len()), 7 + 4000);
        // Another page's beginning is none.
        assert_eq!(pages(first.len() + 3), 7);
        // Of two gigabytes in a few bytes.
        let lie = header(&[0xfe, 0xff, 0xff, 0xff, 0x0f], 0, &[]);
        let sum = unpacked_pages(Cursor::new(&lie), 0, lie.len() as u64).unwrap();
        assert_eq!(sum, (1 << 31) - 1);
        let negative = header(&[1], 0, &[]);
        assert!(unpacked_pages(Cursor::new(&negative), 0, 9).is_err());
    }
}
