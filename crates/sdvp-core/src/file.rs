//! Files that appear whole or not at all, and files that are read whole if they are not too large.

use crate::limit::{Found, Limit};
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Read, Result, Write};
use std::path::Path;

/// Bytes that are handed to the system at once.
const BUFFER: usize = 1 << 16;
/// Links that are followed; the system follows no more, either.
const MOST_LINKS: usize = 40;

/// The bytes of a file that is no larger than a limit. What grows while it is read, or says nothing of
/// its size, is read as far as the limit.
///
/// # Errors
/// As the system says, or [`Exceeded`](crate::Exceeded) as an error of it.
pub fn read_within(path: &Path, limit: &'static Limit) -> Result<Vec<u8>> {
    read_within_value(path, limit, limit.value())
}

/// As [`read_within`], with another value in the place of the limit's.
pub(crate) fn read_within_value(path: &Path, limit: &'static Limit, most: u64) -> Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    limit.admit_within(most, size)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= most {
        true => Ok(bytes),
        false => Err(limit.exceeded(most, Found::More).into()),
    }
}

/// As [`read_within`], of text.
///
/// # Errors
/// As [`read_within`], or if it is not UTF-8.
pub fn read_text_within(path: &Path, limit: &'static Limit) -> Result<String> {
    String::from_utf8(read_within(path, limit)?)
        .map_err(|error| Error::new(ErrorKind::InvalidData, error.utf8_error()))
}

/// Writes a file by way of a temporary one in the same folder, which is renamed when it is
/// complete and removed when it cannot be: readers see the old file or the new one. Devices and
/// pipes are written to as they are, and what a link points to is replaced, not the link.
///
/// # Errors
/// As the system says, also that the disk is full; what was there before is untouched.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole_with(path, |file| file.write_all(bytes))
}

/// As [`write_whole`] of what `write` writes bit by bit, so that it need never be held as a whole.
///
/// # Errors
/// As [`write_whole`], and as `write` says.
pub fn write_whole_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    if let Some(mut special) = open_special(path)? {
        return buffered(&mut special, write);
    }
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = partial_prefix(&path)?;
    name.push(std::process::id().to_string());
    let partial = path.with_file_name(name);
    let written = std::fs::File::create(&partial).and_then(|mut file| {
        buffered(&mut file, write)?;
        // A full disk may only show now.
        file.sync_all()?;
        std::fs::rename(&partial, &path)
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&partial);
    }
    written
}

/// Opens what is written to as it is and never replaced: devices, pipes, and what a process has open
/// already (`/dev/stdout`), whatever that is. `None` where a path leads to a file, a folder or nothing.
///
/// # Errors
/// As the system says.
pub fn open_special(path: &Path) -> Result<Option<File>> {
    if is_open_already(path) {
        // It may be a file to which others write, too: nothing in it is overwritten.
        return File::options().append(true).open(path).map(Some);
    }
    let special = |about: std::fs::Metadata| !about.is_file() && !about.is_dir();
    match std::fs::metadata(path).is_ok_and(special) {
        true => File::options().write(true).open(path).map(Some),
        false => Ok(None),
    }
}

/// Whether a path lies where processes have what they opened, or is a link to there.
fn is_open_already(path: &Path) -> bool {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let is_device = path.starts_with("/dev") && !path.starts_with("/dev/shm");
        if is_device || path.starts_with("/proc") {
            return true;
        }
        match std::fs::read_link(&path) {
            Ok(target) => path = path.with_file_name("").join(target),
            Err(_) => return false,
        }
    }
    false
}

fn buffered(file: &mut File, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut buffer = BufWriter::with_capacity(BUFFER, file);
    write(&mut buffer)?;
    buffer.flush()
}

/// What a process that was killed in [`write_whole`] left beside a file is removed. Only for one who
/// knows that nobody else is writing that file.
///
/// # Errors
/// If the folder cannot be read, or what was found cannot be removed.
pub fn remove_partial(path: &Path) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let prefix = partial_prefix(path)?;
    remove_left(folder, |before| before == prefix.as_encoded_bytes())
}

/// Removes the temporary files that processes left in a folder which were killed while they wrote.
/// Nobody may be writing there. Where there is no such folder, nothing is left in it.
///
/// # Errors
/// As the system says.
pub fn remove_all_partial(folder: &Path) -> Result<()> {
    match folder.try_exists()? {
        true => remove_left(folder, |before| before.starts_with(b".")),
        false => Ok(()),
    }
}

/// Removes temporary files of which `is_left` says so by their names up to the process id.
fn remove_left(folder: &Path, is_left: impl Fn(&[u8]) -> bool) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit());
        let (before, process) = name.split_at(name.len() - digits.count());
        let is_partial = !process.is_empty() && before.ends_with(PARTIAL.as_bytes());
        if is_partial && is_left(before) && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Before the process id in a temporary file's name.
const PARTIAL: &str = ".partial-";

/// What temporary names begin with; the id of the process that writes follows.
fn partial_prefix(path: &Path) -> Result<OsString> {
    let name = path.file_name().ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidInput,
            "expected the path of a file, found none",
        )
    })?;
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(PARTIAL);
    Ok(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_what_was_there_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        assert!(write_whole(&taken, b"x").is_err());
        assert!(write_whole(&folder.path().join("no/such"), b"x").is_err());
        assert!(write_whole(Path::new("/"), b"x").is_err());
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn what_breaks_off_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_whole(&path, b"old").unwrap();
        let broken = write_whole_with(&path, |file| {
            file.write_all(&[7; 3 * BUFFER])?;
            Err(Error::other("no more"))
        });
        assert_eq!(broken.unwrap_err().to_string(), "no more");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn what_the_killed_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let kept = [
            ".a.partial-",
            ".a.partial-7x",
            ".b.partial-7",
            "a",
            "a.partial-7",
        ];
        for name in kept.iter().chain(&[".a.partial-7", ".a.partial-4194304"]) {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        remove_partial(&folder.path().join("a")).unwrap();
        assert_eq!(names(folder.path()), kept);
        assert!(remove_partial(&folder.path().join("no/such")).is_err());
    }

    #[test]
    fn what_killed_processes_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let keep = ["a", ".a", ".a.partial-", ".a.partial-x", "a.partial-7"];
        for name in keep.iter().chain(&[".a.partial-7", ".b.json.partial-123"]) {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        remove_all_partial(folder.path()).unwrap();
        let mut keep = keep.to_vec();
        keep.sort_unstable();
        assert_eq!(names(folder.path()), keep);
        remove_all_partial(&folder.path().join("none")).unwrap();
        assert!(remove_all_partial(&folder.path().join("a")).is_err());
    }

    #[test]
    fn files_are_read_up_to_a_limit() {
        use crate::{Exceeded, Unit};
        static SMALL: Limit = Limit::new("small", Unit::Bytes, 5, "");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_within(&path, &SMALL).unwrap(), b"12345");
        assert_eq!(read_text_within(&path, &SMALL).unwrap(), "12345");
        std::fs::write(&path, "123456").unwrap();
        let error = read_within(&path, &SMALL).unwrap_err();
        assert_eq!(Exceeded::of(&error).unwrap().limit.name(), "small");
        assert!(error.to_string().contains("--allow small=6"), "{error}");
        std::fs::write(&path, b"\xff").unwrap();
        assert!(read_text_within(&path, &SMALL).is_err());
        assert!(read_within(&folder.path().join("no"), &SMALL).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_does_not_say_its_size_is_read_up_to_a_limit() {
        use crate::{Exceeded, Unit};
        static SMALL: Limit = Limit::new("small", Unit::Bytes, 5, "");
        let error = read_within(Path::new("/dev/zero"), &SMALL).unwrap_err();
        assert_eq!(Exceeded::of(&error).unwrap().limit.name(), "small");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error_and_stays_a_device() {
        let full = Path::new("/dev/full");
        let error = write_whole(full, b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert!(!std::fs::metadata(full).unwrap().is_file());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_is_open_already_is_written_on_and_not_replaced() {
        use std::os::fd::AsRawFd;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("log"), folder.path().join("link"));
        std::fs::write(&path, "before\n").unwrap();
        let open = File::options().append(true).open(&path).unwrap();
        let name = format!("/proc/self/fd/{}", open.as_raw_fd());
        write_whole(Path::new(&name), b"one\n").unwrap();
        std::os::unix::fs::symlink(&name, &link).unwrap();
        write_whole(&link, b"two\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"before\none\ntwo\n");
        assert_eq!(names(folder.path()), ["link", "log"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
