use super::*;
use std::path::Path;

fn written(folder: &Path, questions: u32) {
    let mut writer = RunWriter::open_or_create(folder, &configuration()).unwrap();
    for number in 0..questions {
        writer.record(&[question(number)]).unwrap();
    }
    writer.close().unwrap();
}

/// Why it can neither be written nor read.
fn refused(folder: &Path) -> [StoreError; 2] {
    let write = RunWriter::open_or_create(folder, &configuration()).err();
    let read = RunReader::open(folder).err();
    [write.unwrap(), read.unwrap()]
}

#[test]
fn what_is_no_run_is_refused_by_name_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.sqlite");
    let text = "results of last week\n".repeat(400);
    std::fs::write(&path, &text).unwrap();
    for error in refused(folder.path()) {
        assert!(error.to_string().contains("no SQLite database"), "{error}");
        assert!(error.to_string().contains("move the file away"), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    std::fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE shopping (thing TEXT)")
        .unwrap();
    drop(other);
    for error in refused(folder.path()) {
        assert!(error.to_string().contains("another program"), "{error}");
    }
}

#[test]
fn an_empty_file_is_a_run_that_has_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("run.sqlite"), "").unwrap();
    let nothing = RunReader::open(folder.path()).err().unwrap();
    assert!(matches!(nothing, StoreError::NoRun { .. }), "{nothing}");
    written(folder.path(), 3);
    assert_whole(&RunReader::open(folder.path()).unwrap());
    let nothing = RunReader::open(&folder.path().join("nowhere"))
        .err()
        .unwrap();
    assert!(matches!(nothing, StoreError::NoRun { .. }), "{nothing}");
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), 1);
    let path = folder.path().join("run.sqlite");
    let later = rusqlite::Connection::open(&path).unwrap();
    later.pragma_update(None, "user_version", 99).unwrap();
    drop(later);
    for error in refused(folder.path()) {
        assert!(
            matches!(error, StoreError::NewerSchema { found: 99, .. }),
            "{error}"
        );
    }
}

#[test]
fn a_damaged_page_is_found_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), 150);
    let path = folder.path().join("run.sqlite");
    let whole = std::fs::read(&path).unwrap();
    let page = 4096;
    assert!(whole.len() > 20 * page, "{}", whole.len());
    for at in (0..whole.len()).step_by(page) {
        let mut damaged = whole.clone();
        damaged[at..at + page].fill(0xa5);
        std::fs::write(&path, &damaged).unwrap();
        let error = RunWriter::open_or_create(folder.path(), &configuration()).err();
        let error = error.unwrap_or_else(|| panic!("page {} of garbage", at / page));
        let named = matches!(
            error,
            StoreError::Damaged { .. } | StoreError::NotARun { .. }
        );
        assert!(named, "page {}: {error}", at / page);
        assert!(error.to_string().contains("run.sqlite"), "{error}");
        // Readers look at less; what they find is an error, or what was written.
        if let Ok(reader) = RunReader::open(folder.path()) {
            let _ = reader.summary(3);
            let _ = reader.each_sub_task(|_| Ok(()));
        }
    }
    for length in [page / 2, page, 5 * page, whole.len() - page] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = RunWriter::open_or_create(folder.path(), &configuration()).err();
        let named = matches!(
            error,
            Some(StoreError::Damaged { .. } | StoreError::NotARun { .. })
        );
        assert!(named, "{length} bytes: {error:?}");
    }
    std::fs::write(&path, &whole).unwrap();
    RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
}

#[test]
fn a_text_that_is_not_what_was_written_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), 12);
    let path = folder.path().join("run.sqlite");
    let whole = std::fs::read(&path).unwrap();
    let taken = |reader: &RunReader| {
        let questions = reader.each_question(|_| Ok(()));
        [questions, reader.each_sub_task(|_| Ok(()))].map(|read| read.err())
    };
    // An answer, a name that is also a sub-task's, an outcome; then the bytes of a question in the file.
    let changed = [
        ("'maybe'", "value = 'no'", [true, false]),
        ("'cap'", "value = 'hat'", [false, true]),
        (
            "replace(value, 'red', 'bad')",
            "value LIKE '%confidence%'",
            [false, true],
        ),
    ];
    for (other, which, found) in changed {
        std::fs::write(&path, &whole).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        let update = format!("UPDATE text SET value = {other} WHERE {which}");
        assert!(connection.execute(&update, []).unwrap() > 0, "{update}");
        drop(connection);
        let reader = RunReader::open(folder.path()).unwrap();
        assert_eq!(
            taken(&reader).map(|error| error.is_some()),
            found,
            "{update}"
        );
        let errors = taken(&reader).into_iter().flatten();
        let write = RunWriter::open_or_create(folder.path(), &configuration()).err();
        for error in errors.chain([write.unwrap()]) {
            let text = error.to_string();
            assert!(matches!(error, StoreError::Damaged { .. }), "{text}");
            assert!(text.contains("is not what was written"), "{text}");
        }
    }
    let needle = b"Is the hat of 3 red?";
    let mut bytes = whole.clone();
    // Pages may also have it where nothing is any longer.
    let is_there = |at: &usize| whole[*at..].starts_with(needle);
    for at in (0..whole.len()).filter(is_there) {
        bytes[at] ^= 1;
    }
    assert!(bytes != whole, "the question is not there");
    std::fs::write(&path, &bytes).unwrap();
    let reader = RunReader::open(folder.path()).unwrap();
    let [questions, sub_tasks] = taken(&reader);
    let text = questions.unwrap().to_string();
    assert!(text.contains("Hs the hat of 3 red?"), "{text}");
    assert!(sub_tasks.is_none());
    let refused = RunWriter::open_or_create(folder.path(), &configuration());
    assert!(matches!(refused.err(), Some(StoreError::Damaged { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn pictures_that_are_lost_with_the_machine_are_missed_and_kept_when_they_are_seen_again() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), 7);
    let place = |number: u32| {
        let reader = RunReader::open(folder.path()).unwrap();
        reader.sub_tasks(number).unwrap()[0].file.clone()
    };
    let path = |number: u32| folder.path().join(place(number).unwrap());
    std::fs::write(path(1), "").unwrap();
    std::fs::remove_file(path(2)).unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("run.sqlite")).unwrap();
    connection
        .execute("UPDATE session SET ended = 0", [])
        .unwrap();
    drop(connection);
    let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    let kept: Vec<bool> = (0..4).map(|number| place(number).is_some()).collect();
    assert_eq!(kept, [true, false, false, true]);
    writer.record(&[question(8)]).unwrap();
    assert!(
        path(1).metadata().unwrap().len() > 0,
        "8 looks at the picture of 1"
    );
    assert_eq!(place(2), None);
}

#[test]
fn a_log_that_was_cut_off_leaves_whole_questions() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    writer
        .connection
        .pragma_update(None, "wal_autocheckpoint", 0)
        .unwrap();
    for number in 0..40 {
        writer.record(&[question(number)]).unwrap();
    }
    let [database, log] = ["run.sqlite", "run.sqlite-wal"]
        .map(|name| std::fs::read(folder.path().join(name)).unwrap());
    let mut counts = Vec::new();
    for part in 0..=60usize {
        let copy = tempfile::tempdir().unwrap();
        let images = copy.path().join("images");
        std::fs::write(copy.path().join("run.sqlite"), &database).unwrap();
        std::fs::write(
            copy.path().join("run.sqlite-wal"),
            &log[..log.len() * part / 60],
        )
        .unwrap();
        std::os::unix::fs::symlink(folder.path().join("images"), images).unwrap();
        let writer = RunWriter::open_or_create(copy.path(), &configuration()).unwrap();
        let finished: Vec<u32> = writer.finished().unwrap().into_keys().collect();
        assert_eq!(finished, (0..finished.len() as u32).collect::<Vec<_>>());
        assert!(finished.is_empty() || !writer.was_ended_cleanly());
        assert_whole(&RunReader::open(copy.path()).unwrap());
        counts.push(finished.len());
    }
    assert!(counts.is_sorted(), "{counts:?}");
    assert_eq!((counts[0], counts[60]), (0, 40));
    assert!(
        counts.iter().any(|count| (1..40).contains(count)),
        "{counts:?}"
    );
}

#[cfg(unix)]
#[test]
#[allow(clippy::print_stderr)]
fn a_folder_that_cannot_be_written_is_refused_and_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    written(&run, 3);
    let mode =
        |mode| std::fs::set_permissions(&run, std::fs::Permissions::from_mode(mode)).unwrap();
    for name in ["run.sqlite", "run.lock"] {
        std::fs::set_permissions(run.join(name), std::fs::Permissions::from_mode(0o444)).unwrap();
    }
    mode(0o555);
    if std::fs::write(run.join("probe"), "").is_ok() {
        mode(0o755);
        eprintln!("skipped: this user (root?) may write whatever the modes say");
        return;
    }
    let refused = RunWriter::open_or_create(&run, &configuration())
        .err()
        .unwrap();
    let read = RunReader::open(&run).and_then(|reader| reader.summary(0));
    mode(0o755);
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
    assert_eq!(read.unwrap().questions, 3);
}

#[test]
fn a_place_where_no_folder_can_be_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = RunWriter::open_or_create(&file.join("run"), &configuration())
        .err()
        .unwrap();
    assert!(error.to_string().contains("file/run"), "{error}");
}
