use super::*;
use crate::picto::{Split, questions};

#[test]
fn every_task_reads_back_with_its_pictures() {
    for task in Task::ALL {
        let asked = questions(task, Split::Val, 5, 12);
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("deep/er").join(task.name());
        write(&dir, task, &asked).unwrap();
        assert_eq!(task_of(&dir).unwrap(), task);
        let records = read(&dir).unwrap();
        assert_eq!(records.len(), asked.len());
        for question in &asked {
            let record = records.iter().find(|r| r.id == question.id).unwrap();
            assert_eq!(record.text, question.text);
            assert_eq!(record.program.as_deref(), Some(question.program.as_str()));
            assert_eq!(record.gold, question.gold, "{}", question.text);
            let read = record.inputs(&DecodeLimits::default()).unwrap();
            for ((name, image), (wanted, rendered)) in read.iter().zip(question.inputs()) {
                assert_eq!(*name, wanted);
                assert_eq!(image.digest(), rendered.digest());
            }
        }
    }
}

#[test]
fn the_folders_programs_are_not_looked_at_where_others_are_given() {
    let asked = questions(Task::Gqa, Split::Val, 5, 3);
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("set");
    write(&dir, Task::Gqa, &asked).unwrap();
    std::fs::write(dir.join(PROGRAMS), "nothing\n").unwrap();
    assert!(read(&dir).is_err());
    let mut records = Vec::new();
    each_record(&dir, &Programs::default(), |record| {
        records.push(record);
        Next::Continue(())
    })
    .unwrap();
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record.program.is_none()));
}

#[test]
fn nothing_is_overwritten_and_nothing_half_written_is_left() {
    let asked = questions(Task::Gqa, Split::Val, 5, 2);
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("set");
    write(&dir, Task::Gqa, &asked).unwrap();
    assert!(matches!(
        write(&dir, Task::Gqa, &asked),
        Err(DatasetError::Exists { .. })
    ));
    // An id that is no file name makes an image unwritable half-way.
    let mut broken = asked.clone();
    broken[1].id = "no/such/folder".to_owned();
    let other = parent.path().join("other");
    let error = write(&other, Task::Gqa, &broken).unwrap_err().to_string();
    assert!(error.contains("no/such/folder"), "{error}");
    let left: Vec<_> = std::fs::read_dir(parent.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["set"]);
}

#[test]
fn an_empty_folder_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let error = read(dir.path()).unwrap_err().to_string();
    assert!(error.contains("dataset.json"), "{error}");
    std::fs::write(dir.path().join(ABOUT), r#"{"task": "picto-gqa"}"#).unwrap();
    let error = read(dir.path()).unwrap_err().to_string();
    assert!(error.contains("questions.json"), "{error}");
    std::fs::write(dir.path().join(ABOUT), r#"{"task": "gqa"}"#).unwrap();
    let error = read(dir.path()).unwrap_err().to_string();
    assert!(
        error.contains("field task") && error.contains("\"gqa\""),
        "{error}"
    );
}
