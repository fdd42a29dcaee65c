//! Digests in columns.

use crate::error::{Result, StoreError};
use sdvp_core::Digest;
use std::path::Path;

/// The digest in a column's 32 bytes.
pub(crate) fn digest(path: &Path, what: &str, bytes: &[u8]) -> Result<Digest> {
    whole(bytes).ok_or_else(|| StoreError::Damaged {
        path: path.to_owned(),
        finding: format!("expected 32 bytes as {what}, found {}", bytes.len()),
    })
}

/// The digest in 32 bytes; none in more or fewer.
pub(crate) fn whole(bytes: &[u8]) -> Option<Digest> {
    let whole: [u8; 32] = bytes.try_into().ok()?;
    Some(Digest::from(whole))
}

/// The first half of a digest. Of a thousand million texts two have the same with a probability of
/// 10⁻²¹, and an index of halves is half as large.
pub(crate) fn half(digest: &Digest) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest.as_bytes()[..16]);
    half
}
