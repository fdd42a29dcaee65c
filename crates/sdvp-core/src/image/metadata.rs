//! What the files of images hold beside the image: colour profiles, EXIF, XMP, texts.
//!
//! Decoders keep it in memory, and PNG has it compressed, a thousandfold if somebody wants it so. It is
//! added up here before any decoder sees the file. What is cut off or malformed is not looked at any
//! further: that is the decoder's to say.

use super::jpeg::segments;
use crate::limits::IMAGE_METADATA;
use crate::{Exceeded, Found};
use flate2::read::ZlibDecoder;
use image::ImageFormat;
use std::io::Read;

/// Bytes that are unpacked at once, only to be counted.
const PIECE: usize = 1 << 15;

/// Refuses a file that holds more than `most` bytes of metadata, once unpacked.
pub(super) fn admit_metadata(format: ImageFormat, bytes: &[u8], most: u64) -> Result<(), Exceeded> {
    let mut sum = Sum { bytes: 0, most };
    let read = match format {
        ImageFormat::Png => png(bytes, &mut sum),
        ImageFormat::Jpeg => Some(jpeg(bytes, &mut sum)),
        ImageFormat::WebP => webp(bytes, &mut sum),
        ImageFormat::Gif => gif(bytes, &mut sum),
        _ => Some(Ok(())),
    };
    read.unwrap_or(Ok(()))
}

/// What has been found so far.
struct Sum {
    bytes: u64,
    most: u64,
}

impl Sum {
    fn add(&mut self, bytes: u64) -> Result<(), Exceeded> {
        self.bytes = self.bytes.saturating_add(bytes);
        match self.bytes <= self.most {
            true => Ok(()),
            // There may be more behind.
            false => Err(IMAGE_METADATA.exceeded(self.most, Found::More)),
        }
    }

    /// Adds what compressed bytes become, without keeping it. What is no such stream is no more than it is.
    fn add_unpacked(&mut self, packed: &[u8]) -> Result<(), Exceeded> {
        let mut unpacked = ZlibDecoder::new(packed);
        let mut piece = vec![0; PIECE];
        while let Ok(count @ 1..) = unpacked.read(&mut piece) {
            self.add(count as u64)?;
        }
        Ok(())
    }
}

/// The rest of some bytes from a place on.
fn after(bytes: &[u8], at: usize) -> Option<&[u8]> {
    bytes.get(at..)
}

/// After a signature of 8 bytes, chunks of a length, a name, as many bytes and a checksum.
fn png(bytes: &[u8], sum: &mut Sum) -> Option<Result<(), Exceeded>> {
    const FRAME: usize = 12;
    let mut rest = after(bytes, 8)?;
    loop {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let name: [u8; 4] = *after(rest, 4)?.first_chunk()?;
        let data = rest.get(8..8_usize.checked_add(length)?)?;
        rest = after(rest, length.checked_add(FRAME)?)?;
        if matches!(
            &name,
            b"IHDR" | b"PLTE" | b"tRNS" | b"IDAT" | b"acTL" | b"fcTL" | b"fdAT"
        ) {
            continue;
        }
        if &name == b"IEND" {
            return Some(Ok(()));
        }
        // Each is kept in a place of its own, so that empty ones count, too.
        let mut counted = sum.add((length + FRAME) as u64);
        if let (Ok(()), Some(packed)) = (&counted, packed(&name, data)) {
            counted = sum.add_unpacked(packed);
        }
        if counted.is_err() {
            return Some(counted);
        }
    }
}

/// The compressed part of a PNG's chunk: behind a name and a method; in `iTXt`, if a mark says so, behind
/// a language and a translated name.
fn packed<'a>(name: &[u8; 4], data: &'a [u8]) -> Option<&'a [u8]> {
    fn behind_zero(data: &[u8]) -> Option<&[u8]> {
        let zero = data.iter().position(|&byte| byte == 0)?;
        data.get(zero + 1..)
    }
    match name {
        b"iCCP" | b"zTXt" => after(behind_zero(data)?, 1),
        b"iTXt" => {
            let marked = behind_zero(data)?;
            if *marked.first()? == 0 {
                return None;
            }
            behind_zero(behind_zero(after(marked, 2)?)?)
        }
        _ => None,
    }
}

fn jpeg(bytes: &[u8], sum: &mut Sum) -> Result<(), Exceeded> {
    segments(bytes)
        .filter(|segment| matches!(segment.mark, 0xe0..=0xef | 0xfe))
        .try_for_each(|segment| sum.add(u64::from(segment.length)))
}

/// After `RIFF`, a length and `WEBP`, chunks of a name, a length and as many bytes, made even.
fn webp(bytes: &[u8], sum: &mut Sum) -> Option<Result<(), Exceeded>> {
    let mut rest = after(bytes, 12)?;
    loop {
        let name: [u8; 4] = *rest.first_chunk()?;
        let length = u32::from_le_bytes(*after(rest, 4)?.first_chunk()?) as usize;
        if !matches!(
            &name,
            b"VP8 " | b"VP8L" | b"VP8X" | b"ALPH" | b"ANIM" | b"ANMF"
        ) {
            // What is cut off is allocated by decoders all the same.
            if let Err(exceeded) = sum.add(length as u64 + 8) {
                return Some(Err(exceeded));
            }
        }
        rest = after(rest, length.checked_next_multiple_of(2)?.checked_add(8)?)?;
    }
}

/// After a header of 13 bytes and a table of colours, blocks: images, and extensions, each of which ends
/// with pieces of up to 255 bytes.
fn gif(bytes: &[u8], sum: &mut Sum) -> Option<Result<(), Exceeded>> {
    let mut rest = after(bytes, 13 + colors(*bytes.get(10)?))?;
    loop {
        let (counts, start) = match *rest.first()? {
            0x2c => (false, 11 + colors(*rest.get(9)?)),
            // How a frame is shown is no metadata.
            0x21 => (*rest.get(1)? != 0xf9, 2),
            _ => return Some(Ok(())),
        };
        rest = after(rest, start)?;
        loop {
            let length = usize::from(*rest.first()?);
            rest = after(rest, 1 + length)?;
            if length == 0 {
                break;
            }
            if counts && let Err(exceeded) = sum.add(1 + length as u64) {
                return Some(Err(exceeded));
            }
        }
    }
}

/// The bytes of a table of colours, by the flags that say whether there is one.
fn colors(flags: u8) -> usize {
    match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    }
}

#[cfg(test)]
mod tests;
