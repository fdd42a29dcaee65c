use super::*;
use crate::DatasetError;
use std::path::{Path, PathBuf};

fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/gqa")
        .join(file);
    if path.exists() {
        Some(path)
    } else {
        println!("skipped: {} is not there", path.display());
        None
    }
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("questions.json");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn full_records_are_read_with_their_functional_programs() {
    let Some(path) = shared("full_records_50.json") else {
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
    if let Some(path) = shared("exovip_val_2327.json") {
        let questions = read_questions(&path).unwrap();
        assert_eq!(questions.len(), 2327);
        assert!(
            questions
                .iter()
                .all(|q| q.answer.is_some() && q.semantic.is_empty())
        );
        assert_eq!(questions[0].types.detailed, "categoryThis");
    }
    if let Some(path) = shared("fixture_questions.json") {
        let questions = read_questions(&path).unwrap();
        let first = questions.iter().find(|q| q.id == "202218649").unwrap();
        assert_eq!(first.image_id, "n578564");
        assert_eq!(first.groups.global.as_deref(), Some("thing"));
    }
}

#[test]
fn written_questions_read_back() {
    let Some(path) = shared("full_records_50.json") else {
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
