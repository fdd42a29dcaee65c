//! The segments of a JPEG before its image's data.

/// A segment: its mark, the length it says it has, and its bytes as far as they are there.
pub(super) struct Segment<'a> {
    pub(super) mark: u8,
    pub(super) length: u16,
    pub(super) data: &'a [u8],
}

/// The mark of the segment behind which the first scan's data start.
const SCAN: u8 = 0xda;

/// The segments of a file, up to the first scan's: after two bytes, each is a mark, a length that counts
/// itself, and as many bytes.
pub(super) fn segments(bytes: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut rest = bytes.get(2..);
    std::iter::from_fn(move || {
        loop {
            let mut bytes = rest.take()?;
            if *bytes.first()? != 0xff {
                // Decoders look for the next mark.
                bytes = bytes.get(bytes.iter().position(|&byte| byte == 0xff)?..)?;
            }
            match *bytes.get(1)? {
                // Padding, and marks without a length.
                0xff => rest = bytes.get(1..),
                0x00 | 0x01 | 0xd0..=0xd8 => rest = bytes.get(2..),
                // The end.
                0xd9 => return None,
                mark => {
                    let length = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
                    let end = 2 + usize::from(length.max(2));
                    if mark != SCAN {
                        rest = bytes.get(end..);
                    }
                    return Some(Segment {
                        mark,
                        length,
                        data: bytes.get(4..end.min(bytes.len())).unwrap_or_default(),
                    });
                }
            }
        }
    })
}

/// Bytes that a decoder keeps for each pixel until the last scan: two for each sample where scans
/// refine each other (progressive files) or have one kind of sample each, else none.
pub(super) fn kept_per_pixel(bytes: &[u8]) -> u64 {
    let (mut samples, mut progressive) = (0, false);
    for segment in segments(bytes) {
        match segment.mark {
            // Frames; the others of these marks are tables.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                progressive = matches!(segment.mark, 0xc2 | 0xc6 | 0xca | 0xce);
                // Behind precision, height and width.
                samples = segment.data.get(5).copied().unwrap_or(0);
            }
            SCAN => {
                let first = segment.data.first().copied().unwrap_or(0);
                progressive |= first < samples;
            }
            _ => {}
        }
    }
    // What has more than four is no image that is decoded.
    match progressive {
        true => 2 * u64::from(samples.min(4)),
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_are_kept_for_several_scans_only() {
        let file = |frame: u8, scanned: u8| {
            let frame = [
                0xff, frame, 0, 17, 8, 0, 5, 0, 8, 3, 1, 17, 0, 2, 17, 1, 3, 17, 1,
            ];
            [
                &[0xff, 0xd8, 0xff, 0xfe, 0, 3, 9][..],
                &frame,
                &[0xff, 0xda, 0, 8, scanned],
            ]
            .concat()
        };
        assert_eq!(kept_per_pixel(&file(0xc0, 3)), 0);
        assert_eq!(kept_per_pixel(&file(0xc2, 3)), 6);
        assert_eq!(kept_per_pixel(&file(0xc0, 1)), 6);
        let whole = file(0xc2, 3);
        for length in 0..whole.len() {
            let _ = kept_per_pixel(&whole[..length]);
        }
        let marks: Vec<u8> = segments(&whole).map(|segment| segment.mark).collect();
        assert_eq!(marks, [0xfe, 0xc2, 0xda]);
    }
}
