//! What a file's tag on the hub says of its content, and whether it is so.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use std::fmt;

/// A file's tag, which is a digest of its content and its name in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// SHA-256 of the bytes: files in large-file storage.
    Large(String),
    /// SHA-1 as git computes it, of `blob`, the size and the bytes: all others.
    Git(String),
}

impl Tag {
    /// As an `ETag` or `X-Linked-Etag` header has it, in quotes or not, weak or not.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let digits = header.trim().trim_start_matches("W/").trim_matches('"');
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        match digits.len() {
            _ if !digits.bytes().all(is_digit) => None,
            64 => Some(Self::Large(digits.to_owned())),
            40 => Some(Self::Git(digits.to_owned())),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Tag::Large(digits) | Tag::Git(digits) => digits,
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tag::Large(digits) => write!(f, "SHA-256 {digits}"),
            Tag::Git(digits) => write!(f, "git's SHA-1 {digits}"),
        }
    }
}

/// A tag in the making, of bytes as they come.
pub(crate) struct Hash(Context, fn(String) -> Tag);

impl Hash {
    /// Of the kind of `tag`, for a file of this size.
    pub(crate) fn like(tag: &Tag, bytes: u64) -> Self {
        match tag {
            Tag::Large(_) => Self(Context::new(&SHA256), Tag::Large),
            Tag::Git(_) => {
                let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
                context.update(format!("blob {bytes}\0").as_bytes());
                Self(context, Tag::Git)
            }
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Tag {
        let digest = self.0.finish();
        let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        self.1(digits.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_digests_of_what_they_name() {
        // `printf hello | sha256sum`, `printf hello | git hash-object --stdin`
        for digits in [
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0",
        ] {
            let tag = Tag::parse(&format!("W/\"{digits}\"")).unwrap();
            assert_eq!(tag, Tag::parse(digits).unwrap());
            assert_eq!(tag.as_str(), digits);
            let mut hash = Hash::like(&tag, 5);
            hash.update(b"hel");
            hash.update(b"lo");
            assert_eq!(hash.finish(), tag);
        }
    }

    #[test]
    fn what_could_be_a_path_is_no_tag() {
        for header in [
            "",
            "\"\"",
            "../../../x",
            "\"12ab\"",
            &"G".repeat(40),
            &"/".repeat(64),
        ] {
            assert_eq!(Tag::parse(header), None, "{header}");
        }
    }
}
