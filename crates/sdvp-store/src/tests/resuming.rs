use super::*;

#[test]
fn a_run_goes_on_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("runs").join("one");
    let mut writer = RunWriter::open_or_create(&folder, &configuration()).unwrap();
    assert!(writer.finished().unwrap().is_empty() && writer.was_ended_cleanly());
    writer.record(&[question(0), question(4)]).unwrap();
    writer.record(&[question(2)]).unwrap();
    writer.close().unwrap();

    let mut writer = RunWriter::open_or_create(&folder, &configuration()).unwrap();
    assert!(writer.was_ended_cleanly());
    let finished = writer.finished().unwrap();
    assert_eq!(finished.keys().copied().collect::<Vec<_>>(), [0, 2, 4]);
    assert_eq!(finished[&0].answer.as_deref(), Some("yes"));
    assert_eq!(
        finished[&0].program.as_deref(),
        Some("BOX0=LOC(image=IMAGE,object='hat')")
    );
    assert_eq!(
        (finished[&2].score, finished[&2].id.as_str()),
        (1.0, "q00002")
    );
    let failed = &finished[&4];
    assert_eq!(failed.error.as_deref(), Some("line 2: answerer failed: no"));
    assert_eq!((failed.answer.as_deref(), failed.fallback), (None, false));

    let again = writer.record(&[question(1), question(2)]).unwrap_err();
    assert!(
        matches!(&again, StoreError::Again { number: 2, .. }),
        "{again}"
    );
    assert_eq!(writer.finished().unwrap().len(), 3, "all of them or none");
    writer.record(&[question(1), question(3)]).unwrap();
    drop(writer);

    let reader = RunReader::open(&folder).unwrap();
    assert_whole(&reader);
    let summary = reader.summary(2).unwrap();
    assert_eq!(
        (summary.questions, summary.failed, summary.sessions),
        (5, 1, 2)
    );
    assert!(summary.ended);
    assert_eq!(summary.score, 0.4);
    let kinds: Vec<_> = summary
        .kinds
        .iter()
        .map(|k| (k.kind.as_str(), k.questions, k.right, k.failed))
        .collect();
    assert_eq!(kinds, [("query", 2, 0, 0), ("verify", 3, 2, 1)]);
    let answers = &summary.sub_tasks[0];
    assert_eq!(
        (
            answers.kind.as_str(),
            answers.asked,
            answers.computed,
            answers.unknown
        ),
        ("answer", 5, 4, 1)
    );
    let modules: Vec<_> = summary
        .modules
        .iter()
        .map(|m| (m.name.as_str(), m.answered, m.computed))
        .collect();
    assert_eq!(modules, [("answerer", 4, 4), ("finder", 5, 5)]);
    let slowest: Vec<u32> = summary.slowest.iter().map(|slow| slow.number).collect();
    assert_eq!(slowest, [4, 3]);
    assert_eq!(summary.images, [5, 5]);
}

#[test]
fn another_configuration_is_refused_with_what_differs_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    writer.record(&[question(0)]).unwrap();
    drop(writer);
    let mut other = configuration();
    other.seed = 4;
    other.settings.insert("limit".to_owned(), 20.into());
    let refused = RunWriter::open_or_create(folder.path(), &other)
        .err()
        .unwrap();
    let StoreError::OtherConfiguration { differing, .. } = &refused else {
        panic!("{refused}");
    };
    let keys: Vec<&str> = differing.iter().map(|d| d.key.as_str()).collect();
    assert_eq!(keys, ["seed", "settings.limit"]);
    assert!(
        refused.to_string().contains("seed is 3 there and 4 here"),
        "{refused}"
    );
    let reader = RunReader::open(folder.path()).unwrap();
    assert_eq!(reader.configuration().unwrap(), configuration());
    assert_eq!(reader.summary(0).unwrap().sessions, 1);
    RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
}

#[test]
fn a_reader_sees_one_moment_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    writer.record(&[question(0)]).unwrap();
    let before = RunReader::open(folder.path()).unwrap();
    writer.record(&[question(1)]).unwrap();
    let after = RunReader::open(folder.path()).unwrap();
    assert_eq!(before.summary(0).unwrap().questions, 1);
    let summary = after.summary(0).unwrap();
    assert_eq!((summary.questions, summary.ended), (2, false));
    assert_whole(&after);
    let second = RunWriter::open_or_create(folder.path(), &configuration());
    let refused = second.err().unwrap().to_string();
    assert!(
        refused.contains(&format!("process {}", std::process::id())),
        "{refused}"
    );
}

#[test]
fn what_stands_in_for_a_failed_program_is_kept_beside_the_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    writer.record(&[question(3), question(4)]).unwrap();
    writer.record_fallback(4, Some("yes"), 1.0).unwrap();
    for number in [3, 7] {
        let refused = writer
            .record_fallback(number, Some("yes"), 1.0)
            .unwrap_err();
        assert!(matches!(refused, StoreError::NotFailed { .. }), "{refused}");
    }
    let finished = &writer.finished().unwrap()[&4];
    assert_eq!(
        finished.error.as_deref(),
        Some("line 2: answerer failed: no")
    );
    assert_eq!(
        (
            finished.answer.as_deref(),
            finished.fallback,
            finished.score
        ),
        (Some("yes"), true, 1.0)
    );
    let summary = RunReader::open(folder.path()).unwrap().summary(0).unwrap();
    assert_eq!(
        (summary.failed, summary.fallbacks, summary.score),
        (1, 1, 0.5)
    );
}

#[test]
fn trainings_are_kept_and_passed_steps_are_passed_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    writer
        .record_losses("locate", &[(1, 0.5), (2, f64::NAN)])
        .unwrap();
    writer
        .record_losses("locate", &[(2, 0.25), (3, f64::INFINITY)])
        .unwrap();
    writer.record_losses("answer", &[(1, f64::NAN)]).unwrap();
    let checkpoint = CheckpointRecord {
        name: "locate".to_owned(),
        step: 2,
        weights: Digest::of(b"w"),
        details: serde_json::json!({"kept": true}),
    };
    writer.record_checkpoint(&checkpoint).unwrap();
    let reader = RunReader::open(folder.path()).unwrap();
    let losses = reader.losses("locate").unwrap();
    assert_eq!(losses, [(1, 0.5), (2, 0.25), (3, f64::INFINITY)]);
    assert!(reader.losses("answer").unwrap()[0].1.is_nan());
    let lines = |what: Exported| {
        let out = folder.path().join("out.jsonl");
        let rows = export(&reader, what, ExportFormat::JsonLines, &out).unwrap();
        let text = std::fs::read_to_string(out).unwrap();
        assert_eq!(text.lines().count() as u64, rows);
        text
    };
    assert_eq!(
        lines(Exported::Curves),
        "{\"curve\":\"answer\",\"step\":1,\"loss\":null}\n\
         {\"curve\":\"locate\",\"step\":1,\"loss\":0.5}\n\
         {\"curve\":\"locate\",\"step\":2,\"loss\":0.25}\n\
         {\"curve\":\"locate\",\"step\":3,\"loss\":null}\n"
    );
    assert!(lines(Exported::Checkpoints).starts_with("{\"name\":\"locate\",\"step\":2,"));
    let curves = reader.summary(0).unwrap().curves;
    let ends: Vec<_> = curves
        .iter()
        .map(|c| (c.name.as_str(), c.steps, c.first, c.last))
        .collect();
    assert_eq!(
        ends,
        [
            ("answer", 1, None, None),
            ("locate", 3, Some(0.5), Some(f64::INFINITY))
        ]
    );
    let kept = &reader.checkpoints().unwrap()[0];
    assert_eq!(
        (kept.step, kept.weights, kept.details.as_str()),
        (2, Digest::of(b"w"), "{\"kept\":true}")
    );
}

#[test]
fn a_full_disk_keeps_what_was_finished_and_the_run_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    writer.record(&[question(0)]).unwrap();
    let pages: i64 = writer
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let limit = |writer: &RunWriter, pages: i64| {
        writer
            .connection
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
    };
    limit(&writer, pages + 20);
    // Some texts of the transaction that fails are known from then on, if it is not forgotten well.
    let (next, full) = (1..100_000u32)
        .find_map(|number| {
            writer
                .record(&[question(number)])
                .err()
                .map(|error| (number, error))
        })
        .unwrap();
    let StoreError::Full { kept, .. } = &full else {
        panic!("{full}");
    };
    assert_eq!(*kept, Some(u64::from(next)));
    assert!(
        full.to_string()
            .contains(&format!("{next} finished questions are kept")),
        "{full}"
    );
    assert_eq!(writer.finished().unwrap().len(), next as usize);
    limit(&writer, 1 << 20);
    for number in next..next + 40 {
        writer.record(&[question(number)]).unwrap();
    }
    writer.close().unwrap();
    assert_whole(&RunReader::open(folder.path()).unwrap());
    let writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    assert_eq!(writer.finished().unwrap().len(), next as usize + 40);
}

#[test]
fn pictures_are_kept_once_and_unkept_ones_are_known_by_their_digest() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    let bare = QuestionRecord {
        images: Vec::new(),
        ..question(0)
    };
    writer.record(&[bare]).unwrap();
    let reader = RunReader::open(folder.path()).unwrap();
    assert_eq!(reader.summary(0).unwrap().images, [1, 0]);
    let found = &reader.sub_tasks(0).unwrap()[0];
    assert_eq!((found.image, &found.file), (picture(0).digest(), &None));
    drop(reader);
    for number in [7, 14, 1, 8] {
        writer.record(&[question(number)]).unwrap();
    }
    let reader = RunReader::open(folder.path()).unwrap();
    assert_eq!(reader.summary(0).unwrap().images, [2, 2]);
    let file = reader.sub_tasks(0).unwrap()[0].file.clone().unwrap();
    let kept = Image::open(&folder.path().join(file), &Default::default()).unwrap();
    assert_eq!(kept.digest(), picture(0).digest());
}

#[test]
fn scores_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    for score in [f64::NAN, -0.1, 1.5] {
        let wrong = QuestionRecord {
            score,
            ..question(1)
        };
        let refused = writer.record(&[question(0), wrong]).unwrap_err();
        assert!(refused.to_string().contains("q00001"), "{refused}");
    }
    assert!(writer.finished().unwrap().is_empty());
}

#[test]
fn runs_are_listed_wherever_they_are_below_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b", "a/deep"] {
        let mut writer =
            RunWriter::open_or_create(&folder.path().join(name), &configuration()).unwrap();
        writer.record(&[question(0), question(1)]).unwrap();
    }
    std::fs::create_dir(folder.path().join("c")).unwrap();
    std::fs::write(
        folder.path().join("c/run.sqlite"),
        "no database, whatever its name says",
    )
    .unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let listed = list(folder.path()).unwrap();
    let names: Vec<_> = listed
        .iter()
        .map(|run| {
            run.folder
                .strip_prefix(folder.path())
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    assert_eq!(names, ["a/deep", "b", "c"]);
    let overview = listed[0].overview.as_ref().unwrap();
    assert_eq!((overview.curves, overview.checkpoints), (0, 0));
    assert_eq!(
        (overview.questions, overview.score, overview.ended),
        (2, 0.5, true)
    );
    let damaged = listed[2].overview.as_ref().unwrap_err();
    assert!(damaged.contains("not the database of a run"), "{damaged}");
    assert!(list(&folder.path().join("nowhere")).is_err());
    assert_eq!(
        list(&folder.path().join("b")).unwrap().len(),
        1,
        "the folder itself may be one"
    );
}

#[test]
fn a_run_is_replaced_by_whoever_has_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::open_or_create(folder.path(), &configuration()).unwrap();
    writer.record(&[question(0)]).unwrap();
    assert!(Lock::take(folder.path()).is_err());
    drop(writer);
    let other = Configuration {
        seed: 99,
        ..configuration()
    };
    let lock = Lock::take(folder.path()).unwrap();
    let mut writer = RunWriter::replace(folder.path(), &other, lock).unwrap();
    assert!(Lock::take(folder.path()).is_err());
    assert!(writer.finished().unwrap().is_empty());
    writer.record(&[question(1)]).unwrap();
    writer.close().unwrap();
    let reader = RunReader::open(folder.path()).unwrap();
    assert_eq!(reader.configuration().unwrap(), other);
    assert_whole(&reader);
}

#[test]
fn the_score_of_no_questions_is_zero() {
    let folder = tempfile::tempdir().unwrap();
    drop(RunWriter::open_or_create(folder.path(), &configuration()).unwrap());
    let score = RunReader::open(folder.path())
        .unwrap()
        .summary(0)
        .unwrap()
        .score;
    assert_eq!(format!("{score}"), "0");
}
