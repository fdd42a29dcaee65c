use super::*;
use crate::DatasetError;
use crate::shared_data::shared;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("questions.json");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn full_records_are_read_with_their_functional_programs() {
    let Some(path) = shared("gqa/full_records_50.json") else {
        return;
    };
    let questions = read_questions(&path).unwrap();
    assert_eq!(questions.len(), 50);
    let first = &questions[0];
    assert_eq!(first.id, "14199179");
    assert_eq!(first.image_id, "2383860");
    assert_eq!(first.answer.as_deref(), Some("suit"));
    assert_eq!(first.types.detailed, "categoryThat");
    assert_eq!(first.semantic.len(), 3);
    assert_eq!(first.semantic[1].argument, "not(white)");
    // Our text of the steps is GQA's.
    for question in &questions {
        let ours = crate::picto::semantic_string(&question.semantic);
        assert_eq!(ours.trim(), question.semantic_str.trim());
    }
}

#[test]
fn other_releases_of_the_questions_are_read() {
    if let Some(path) = shared("gqa/exovip_val_2327.json") {
        let questions = read_questions(&path).unwrap();
        assert_eq!(questions.len(), 2327);
        assert!(
            questions
                .iter()
                .all(|q| q.answer.is_some() && q.semantic.is_empty())
        );
        assert_eq!(questions[0].types.detailed, "categoryThis");
    }
    if let Some(path) = shared("gqa/fixture_questions.json") {
        let questions = read_questions(&path).unwrap();
        let first = questions.iter().find(|q| q.id == "202218649").unwrap();
        assert_eq!(first.image_id, "n578564");
        assert_eq!(first.groups.global.as_deref(), Some("thing"));
    }
}

#[test]
fn written_questions_read_back() {
    let Some(path) = shared("gqa/full_records_50.json") else {
        return;
    };
    let questions = read_questions(&path).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy.json");
    write_questions(&copy, &questions).unwrap();
    assert_eq!(read_questions(&copy).unwrap(), questions);
}

#[test]
fn errors_name_file_record_and_field() {
    let (_dir, path) = file(r#"{"17": {"question": 3, "imageId": "a"}}"#);
    let error = read_questions(&path).unwrap_err().to_string();
    for part in [
        "questions.json",
        "\"17\"",
        "question",
        "expected text",
        "found 3",
    ] {
        assert!(error.contains(part), "{error} lacks {part}");
    }
    let (_dir, path) = file(r#"[{"question": "Is it?", "question_id": 1}]"#);
    let error = read_questions(&path).unwrap_err().to_string();
    assert!(
        error.contains("record 1") && error.contains("imageId"),
        "{error}"
    );
    let (_dir, path) = file(r#"{"1": {"question": "?", "imageId": "../../secret"}}"#);
    assert!(matches!(
        read_questions(&path),
        Err(DatasetError::Field { .. })
    ));
}

#[test]
fn broken_json_is_refused_with_its_line() {
    let (_dir, path) = file("{\n\"1\": {\n");
    match read_questions(&path) {
        Err(DatasetError::Json { line, .. }) => assert!(line >= 2),
        other => panic!("{other:?}"),
    }
    let (_dir, path) = file("3");
    assert!(matches!(
        read_questions(&path),
        Err(DatasetError::Layout { .. })
    ));
    assert!(matches!(
        read_questions(Path::new("no/such/file.json")),
        Err(DatasetError::Read { .. })
    ));
}

#[test]
fn scene_graphs_read_back_and_relations_mirror_each_other() {
    use crate::picto::{SceneSpec, Split, generate};
    let graphs: Vec<SceneGraph> = (0..5)
        .map(|n| {
            SceneGraph::of(
                n.to_string(),
                &generate(&SceneSpec::default(), Split::Train, 3, n),
            )
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sceneGraphs.json");
    write_scene_graphs(&path, &graphs).unwrap();
    assert_eq!(read_scene_graphs(&path).unwrap(), graphs);
    for graph in &graphs {
        for object in &graph.objects {
            for relation in &object.relations {
                let other = graph
                    .objects
                    .iter()
                    .find(|o| o.id == relation.object)
                    .unwrap();
                let left = relation.name == "to the left of";
                assert!(!left || object.bbox().center().0 < other.bbox().center().0);
            }
        }
    }
    std::fs::write(
        &path,
        r#"{"1": {"width": 4, "height": 4, "objects": {"7": {"name": "dog"}}}}"#,
    )
    .unwrap();
    let error = read_scene_graphs(&path).unwrap_err().to_string();
    assert!(
        error.contains("object \"7\"") && error.contains("field x"),
        "{error}"
    );
}

/// The quick way to read a record and the thorough one agree on every published record.
#[test]
fn both_ways_of_reading_a_record_agree() {
    for file in [
        "full_records_50.json",
        "exovip_val_2327.json",
        "fixture_questions.json",
    ] {
        let Some(path) = shared(&format!("gqa/{file}")) else {
            return;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        let records: serde_json::Value = serde_json::from_str(&text).unwrap();
        let records: Vec<serde_json::Value> = match records {
            serde_json::Value::Array(records) => records,
            serde_json::Value::Object(records) => records
                .into_iter()
                .map(|(id, mut record)| {
                    record["question_id"] = id.into();
                    record
                })
                .collect(),
            other => panic!("{other}"),
        };
        // As a list, records are read thoroughly; as an object, quickly where they can be.
        let keyed: serde_json::Map<_, _> = records
            .iter()
            .map(|record| {
                let id = record["question_id"].to_string();
                (id.trim_matches('"').to_owned(), record.clone())
            })
            .collect();
        let (_one, as_list) = self::file(&serde_json::Value::Array(records).to_string());
        let (_other, as_object) = self::file(&serde_json::Value::Object(keyed).to_string());
        let thorough = read_questions(&as_list).unwrap();
        assert_eq!(read_questions(&as_object).unwrap(), thorough, "{file}");
        assert!(!thorough.is_empty());
    }
}

#[test]
fn reading_stops_when_told_to() {
    let (_dir, path) = file(
        r#"{"1": {"question": "?", "imageId": "a"}, "2": {"question": "?", "imageId": "a"}, broken"#,
    );
    let mut seen = Vec::new();
    each_question(&path, |question| {
        seen.push(question.unwrap().id);
        if seen.len() == 2 {
            std::ops::ControlFlow::Break(())
        } else {
            std::ops::ControlFlow::Continue(())
        }
    })
    .unwrap();
    assert_eq!(seen, ["1", "2"]);
    let rest = each_question(&path, |_| std::ops::ControlFlow::Continue(()));
    assert!(matches!(rest, Err(DatasetError::Json { .. })));
}

#[test]
fn choices_and_attention_are_read_and_refused_by_field() {
    let (_dir, path) = file(r#"{"7": {"valid": ["red"], "plausible": []}, "8": {"valid": "red"}}"#);
    let mut found = Vec::new();
    each_choices(&path, |choices| {
        found.push(choices.map_err(|error| error.to_string()));
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found[0].as_ref().unwrap().valid, ["red"]);
    let error = found[1].as_ref().unwrap_err();
    assert!(
        error.contains("\"8\"") && error.contains("field valid"),
        "{error}"
    );

    let (_dir, path) = file(
        r#"[{"questionId": "7", "attention": [[0.5, 0.5], [0, 0]]}, {"questionId": "8", "attention": [[1, 2]]}]"#,
    );
    let mut found = Vec::new();
    each_attention(&path, |attention| {
        found.push(attention.map_err(|error| error.to_string()));
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found[0].as_ref().unwrap().map[0], [0.5, 0.5]);
    assert!(found[1].as_ref().unwrap_err().contains("square grid"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn changed_bytes_of_every_kind_of_file_are_read_or_refused(
        changes in proptest::collection::vec((0usize..400, any::<u8>()), 0..8),
        which in 0usize..4,
    ) {
        let mut text = [
            r#"{"1": {"question": "Is it?", "imageId": "a1", "answer": "yes", "isBalanced": true, "entailed": ["2"], "semantic": [{"operation": "select", "dependencies": [], "argument": "dog (1)"}], "types": {"structural": "verify"}, "annotations": {"question": {"1": "3"}}}}"#,
            r#"{"a1": {"width": 30, "height": 20, "objects": {"7": {"name": "dog", "x": 1, "y": 2, "w": 3, "h": 4, "attributes": ["red"], "relations": [{"name": "on", "object": "7"}]}}}}"#,
            r#"{"1": {"valid": ["red"], "plausible": ["red", "blue"]}}"#,
            r#"[{"questionId": "7", "attention": [[0.5, 0.5], [0, 0]]}]"#,
        ][which].as_bytes().to_vec();
        for (at, byte) in changes {
            let length = text.len();
            text[at % length] = byte;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        std::fs::write(&path, &text).unwrap();
        if let Ok(questions) = read_questions(&path) {
            // Nothing that is read leads out of the folder of pictures.
            prop_assert!(questions.iter().all(|q| Path::new(&q.image_id).components().count() == 1));
        }
        let _ = read_scene_graphs(&path);
        let _ = each_choices(&path, |_| std::ops::ControlFlow::Continue(()));
        let _ = each_attention(&path, |_| std::ops::ControlFlow::Continue(()));
        if let Ok(found) = crate::Benchmark::open(dir.path(), &Default::default()) {
            let _ = crate::check(&found, false);
        }
    }
}
