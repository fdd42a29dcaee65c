//! Outcomes as bytes, and the checksum by which they are believed.
//!
//! Bytes are postcard's: a number for the kind of outcome, lengths and whole numbers as varints,
//! numbers with a fraction by their four bytes, so that every one of them, NaN included, comes back as
//! it was.

use crate::digest_column::half;
use sdvp_core::{Digest, Hasher, Outcome, OutcomeKey};

/// An outcome's bytes; nothing if they cannot be made, which postcard knows no case of.
pub(crate) fn written(outcome: &Outcome) -> Option<Vec<u8>> {
    postcard::to_stdvec(outcome).ok()
}

/// The outcome of some bytes, which must be all of it.
pub(crate) fn read(bytes: &[u8]) -> Result<Outcome, String> {
    match postcard::take_from_bytes(bytes) {
        Ok((outcome, [])) => Ok(outcome),
        Ok((_, rest)) => Err(format!("{} bytes too many", rest.len())),
        Err(error) => Err(error.to_string()),
    }
}

/// Over everything that an entry says: who computed it, of whom, what was asked, and the answer.
pub(crate) fn checksum(program: &Digest, key: &OutcomeKey, value: &[u8]) -> [u8; 16] {
    let hasher = Hasher::new("kept outcome").part(program.as_bytes());
    let hasher = hasher.part(key.module.as_bytes());
    half(&hasher.part(key.request.as_bytes()).part(value).finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{AnswerOutcome, BBox, Detection};

    /// Files are read by other versions of this program: bytes that change are another schema.
    #[test]
    fn bytes_are_as_they_were() {
        let boxes = Outcome::Boxes(vec![Detection {
            bbox: BBox::new(1.0, -2.0, 0.5, 3.0),
            score: 0.25,
        }]);
        let hex = |outcome: &Outcome| -> String {
            let bytes = written(outcome).unwrap();
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let one = "0000803f";
        assert_eq!(
            hex(&boxes),
            format!("0001{one}000000c00000003f000040400000803e")
        );
        let answer = Outcome::Answer(AnswerOutcome::certain("no"));
        assert_eq!(hex(&answer), format!("01026e6f{one}01026e6f{one}"));
        assert_eq!(hex(&Outcome::Score(1.0)), format!("02{one}"));
        assert_eq!(hex(&Outcome::Depth(-0.0)), "0300000080");
        assert_eq!(hex(&Outcome::Text("é".to_owned())), "0402c3a9");
    }

    #[test]
    fn what_is_too_long_or_too_short_is_no_outcome() {
        let whole = written(&Outcome::Text("seven".to_owned())).unwrap();
        assert_eq!(read(&whole), Ok(Outcome::Text("seven".to_owned())));
        assert!(read(&whole[..whole.len() - 1]).is_err());
        let more = [whole.as_slice(), &[0]].concat();
        assert!(read(&more).unwrap_err().contains("1 bytes too many"));
        // A length that no memory holds.
        assert!(read(&[0, 0xff, 0xff, 0xff, 0xff, 0x7f]).is_err());
    }

    #[test]
    fn the_checksum_is_of_every_part() {
        let [a, b] = [Digest::of(b"a"), Digest::of(b"b")];
        let key = |module, request| OutcomeKey { module, request };
        let sums = [
            checksum(&a, &key(a, a), b"x"),
            checksum(&b, &key(a, a), b"x"),
            checksum(&a, &key(b, a), b"x"),
            checksum(&a, &key(a, b), b"x"),
            checksum(&a, &key(a, a), b"y"),
        ];
        let distinct: std::collections::HashSet<_> = sums.iter().collect();
        assert_eq!(distinct.len(), sums.len());
    }
}
