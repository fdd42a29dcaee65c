//! Paths as SQLite takes them.

use std::path::{Path, PathBuf};

/// A path that SQLite does not take for an address, as it would one that begins with `file:`.
pub(crate) fn plain(path: &Path) -> PathBuf {
    match path.as_os_str().as_encoded_bytes().starts_with(b"file:") {
        true => Path::new(".").join(path),
        false => path.to_owned(),
    }
}

/// The address of a file that nobody changes: it is read without anything being written beside it. `None`
/// of a path that cannot be in an address.
pub(crate) fn immutable(path: &Path) -> Option<String> {
    // What would mean something else in an address.
    let escaped = path.to_str()?.replace('%', "%25").replace('?', "%3f");
    let escaped = escaped.replace('#', "%23");
    Some(format!("file:{escaped}?immutable=1"))
}

/// Whether something is in the log beside a database.
pub(crate) fn has_log(path: &Path) -> bool {
    let mut log = path.to_owned().into_os_string();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|about| about.len() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_an_address_is_a_path() {
        assert_eq!(plain(Path::new("file:a/b")), Path::new("./file:a/b"));
        for path in ["a/file:b", "/file:a", "files/a", ""] {
            assert_eq!(plain(Path::new(path)), Path::new(path));
        }
        let address = immutable(Path::new("/a?b/100%#")).unwrap();
        assert_eq!(address, "file:/a%3fb/100%25%23?immutable=1");
    }
}
