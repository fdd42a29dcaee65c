use super::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn kept(folder: &Path, count: u64) {
    assert_eq!(
        open(folder).keep(&numbered(0..count)).unwrap() as u64,
        count
    );
}

fn refused(folder: &Path) -> CacheError {
    let error = OutcomeFile::open(folder, settings(CacheSettings::USUAL_BYTES)).err();
    error.unwrap_or_else(|| panic!("it was opened"))
}

#[test]
fn a_tampered_entry_is_not_believed_is_told_and_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    kept(folder.path(), 10);
    let damages = [
        "UPDATE outcome SET value = zeroblob(length(value)) WHERE id = 2",
        "UPDATE outcome SET value = substr(value, 1, length(value) - 1) WHERE id = 3",
        "UPDATE outcome SET value = CAST(value || x'00' AS BLOB) WHERE id = 4",
        "UPDATE outcome SET checksum = zeroblob(16) WHERE id = 5",
        "UPDATE outcome SET checksum = x'' WHERE id = 6",
        // The outcome of another request, with its checksum.
        "UPDATE outcome SET (checksum, value) = (SELECT checksum, value FROM outcome WHERE id = 10)
         WHERE id = 7",
        "UPDATE outcome SET value = zeroblob(5000000) WHERE id = 8",
    ];
    for damage in damages {
        tamper(folder.path(), damage);
    }
    let cache = open(folder.path());
    let all = numbered(0..10);
    let keys: Vec<OutcomeKey> = all.iter().map(|(key, _)| *key).collect();
    let found = cache.look_up(&keys).unwrap();
    assert_eq!(found.refused.len(), damages.len(), "{:?}", found.refused);
    for reason in &found.refused {
        assert!(reason.contains("outcomes.sqlite"), "{reason}");
    }
    for (at, ((_, kept), found)) in all.iter().zip(&found.outcomes).enumerate() {
        let right = (!(1..8).contains(&at)).then(|| kept.clone());
        assert_eq!(*found, right, "{at}");
    }
    // They are gone, and can be kept anew.
    let again = cache.look_up(&keys).unwrap();
    assert_eq!((again.refused.len(), again.outcomes), (0, found.outcomes));
    cache.keep(&all).unwrap();
    assert_eq!(there(&cache, 0..10), 10);
    drop(cache);
    let summary = cache_summary(folder.path()).unwrap();
    assert_eq!((summary.refused, summary.entries), (7, 10));
}

/// Whatever byte of the file changes: an error, or what was kept, or nothing. Never another outcome.
#[test]
fn no_byte_of_the_file_makes_it_lie() {
    let folder = tempfile::tempdir().unwrap();
    kept(folder.path(), 400);
    let path = folder.path().join(FILE);
    let whole = std::fs::read(&path).unwrap();
    let mut chance = ChaCha8Rng::seed_from_u64(7);
    let (mut told, mut missed) = (0, 0);
    for round in 0..300 {
        let mut damaged = whole.clone();
        for _ in 0..1 + round % 3 {
            let at = chance.random_range(0..damaged.len());
            damaged[at] ^= 1 << chance.random_range(0..8);
        }
        for beside in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("{FILE}{beside}")));
        }
        std::fs::write(&path, &damaged).unwrap();
        let opened = OutcomeFile::open(folder.path(), settings(CacheSettings::USUAL_BYTES));
        let cache = match opened {
            Ok(cache) => cache,
            Err(error) => {
                assert!(error.to_string().contains("outcomes.sqlite"), "{error}");
                told += 1;
                continue;
            }
        };
        let all = numbered(0..400);
        let keys: Vec<OutcomeKey> = all.iter().map(|(key, _)| *key).collect();
        match cache.look_up(&keys) {
            Ok(found) => {
                missed += found
                    .outcomes
                    .iter()
                    .filter(|found| found.is_none())
                    .count();
                for ((_, kept), found) in all.iter().zip(found.outcomes) {
                    assert!(found.is_none_or(|found| found == *kept), "round {round}");
                }
            }
            Err(_) => told += 1,
        }
        let _ = cache.keep(&all[..20]);
    }
    assert!(told > 0 && missed > 0, "{told} {missed}: nothing was hit");
}

#[test]
fn a_truncated_file_is_an_error_with_a_next_step() {
    let folder = tempfile::tempdir().unwrap();
    kept(folder.path(), 2000);
    let path = folder.path().join(FILE);
    let whole = std::fs::read(&path).unwrap();
    for length in [100, 4096, whole.len() / 2, whole.len() - 4096] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = refused(folder.path()).to_string();
        assert!(error.contains("outcomes.sqlite"), "{length}: {error}");
        assert!(
            error.contains("remove the file") || error.contains("move the file"),
            "{error}"
        );
    }
    // One that is empty is one that has not begun.
    std::fs::write(&path, "").unwrap();
    kept(folder.path(), 3);
}

#[test]
fn what_is_no_cache_or_a_later_one_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let text = "outcomes of last week\n".repeat(400);
    std::fs::write(&path, &text).unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, CacheError::NotACache { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let error = cache_summary(folder.path()).unwrap_err();
    assert!(matches!(error, CacheError::NotACache { .. }), "{error}");
    std::fs::remove_file(&path).unwrap();
    tamper(folder.path(), "CREATE TABLE shopping (thing TEXT)");
    let error = refused(folder.path()).to_string();
    assert!(error.contains("another program"), "{error}");
    std::fs::remove_file(&path).unwrap();

    kept(folder.path(), 1);
    tamper(folder.path(), "PRAGMA user_version = 99");
    for error in [
        refused(folder.path()),
        cache_summary(folder.path()).unwrap_err(),
        clear_cache(folder.path(), &Clearing::All).unwrap_err(),
    ] {
        let newer = matches!(error, CacheError::NewerSchema { found: 99, .. });
        assert!(newer && error.to_string().contains("99"), "{error}");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = refused(&file.join("cache"));
    assert!(error.to_string().contains("cache"), "{error}");
    let inside = folder.path().join("inside");
    std::fs::create_dir_all(inside.join(FILE)).unwrap();
    let error = refused(&inside).to_string();
    assert!(
        error.contains("cannot be written") && error.contains("leave the cache out"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_folder_or_file_without_the_right_to_write_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    kept(folder.path(), 2);
    let allow = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(&path, 0o444);
    allow(folder.path(), 0o555);
    let may_all_the_same = std::fs::write(folder.path().join("probe"), "").is_ok();
    let error = OutcomeFile::open(folder.path(), settings(CacheSettings::USUAL_BYTES)).err();
    let read = cache_summary(folder.path());
    allow(folder.path(), 0o755);
    if may_all_the_same {
        println!("left out: whoever runs this test may write everywhere");
        return;
    }
    let error = error.unwrap();
    assert!(matches!(error, CacheError::ReadOnly { .. }), "{error}");
    assert_eq!(read.unwrap().entries, 2);
}

#[test]
fn what_sqlite_cannot_open_beside_the_file_is_told_as_a_place_that_cannot_be_written() {
    let source = rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
        None,
    );
    let error = connection::named(Path::new("a"), "read", source);
    assert!(matches!(error, CacheError::ReadOnly { .. }), "{error}");
}

/// SQLite's own bound in place of a full disk.
#[test]
fn a_full_disk_is_an_error_and_what_was_kept_stays() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    cache.keep(&numbered(0..300)).unwrap();
    cache.at_most_pages(40);
    let mut next = 300;
    let error = loop {
        match cache.keep(&numbered(next..next + 300)) {
            Ok(_) => next += 300,
            Err(error) => break error,
        }
        assert!(next < 30_000, "it never got full");
    };
    assert!(matches!(error, CacheError::Full { .. }), "{error}");
    assert!(error.to_string().contains("leave the cache out"), "{error}");
    assert_eq!(there(&cache, 0..next), next as usize);
}
