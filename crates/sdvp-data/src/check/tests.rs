use super::*;
use crate::benchmark::OpenOptions;
use crate::benchmark::tests::{picture, question, write};
use std::path::Path;

fn report(root: &Path, decode: bool) -> CheckReport {
    let benchmark = Benchmark::open(root, &OpenOptions::default()).unwrap();
    check(&benchmark, decode).unwrap()
}

fn found<'a>(remarks: &'a [Remark], what: &str) -> &'a Remark {
    let remark = remarks.iter().find(|remark| remark.what.contains(what));
    remark.unwrap_or_else(|| panic!("no remark on {what} among {remarks:?}"))
}

#[test]
fn a_whole_gqa_is_consistent() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let (one, two) = (question("1", "a", "\"2\", \"1\""), question("2", "a", ""));
    write(
        root,
        "questions/val_balanced_questions.json",
        format!("{{{one}}}"),
    );
    write(
        root,
        "questions/val_all_questions.json",
        format!("{{{one}, {two}}}"),
    );
    write(
        root,
        "val_choices.json",
        r#"{"1": {"valid": ["yes"], "plausible": ["yes"]}}"#,
    );
    write(
        root,
        "sceneGraphs/val_sceneGraphs.json",
        r#"{"a": {"width": 8, "height": 6, "objects": {"0": {"name": "dog", "x": 1, "y": 2, "w": 7, "h": 4, "attributes": [], "relations": []}}}}"#,
    );
    picture(root, "images/a.png", 8, 6);
    let report = report(root, true);
    assert!(
        report.is_consistent() && report.missing.is_empty(),
        "{report:?}"
    );
    assert_eq!(report.decoded, Some(1));
    let all = &report.parts[0];
    assert_eq!(
        (all.name.as_str(), all.records, all.types["exist"]),
        ("val_all", 2, 2)
    );
    assert_eq!((all.pictures, report.parts[1].pictures), (1, 1));
    assert_eq!(report.graphs["val"], 1);
}

#[test]
fn what_is_wrong_in_gqa_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let (one, two) = (question("1", "a", "\"9\""), question("2", "b", ""));
    let other = question("3", "c", "");
    write(
        root,
        "val_balanced_questions.json",
        format!("{{{one}, {one}, {other}}}"),
    );
    let bad = r#""5": {"question": 3, "imageId": "a"}"#;
    let late = r#""6": {"question": "?", "imageId": "a", "types": {}, "isBalanced": false,
        "semantic": [{"operation": "query", "dependencies": [0], "argument": "name"}]}"#;
    write(
        root,
        "val_all_questions.json",
        format!("{{{one}, {two}, {bad}, {late}}}"),
    );
    write(
        root,
        "val_sceneGraphs.json",
        r#"{"a": {"width": 8, "height": 6, "objects": {"0": {"name": "dog", "x": 1, "y": 2, "w": 8, "h": 4, "attributes": [], "relations": [{"name": "on", "object": "4"}]}}}}"#,
    );
    picture(root, "images/a.png", 9, 6);
    write(root, "images/b.jpg", "no picture");
    let report = report(root, true);
    assert!(!report.is_consistent());
    let wrong = &report.inconsistent;
    assert_eq!(found(wrong, "occur twice in val_balanced").examples, ["1"]);
    assert!(found(wrong, "cannot be read").examples[0].contains("\"5\""));
    assert!(found(wrong, "outside their picture").examples[0].contains("object 0 of a"));
    assert!(found(wrong, "not in the scene graph").examples[0].contains("on 4"));
    assert!(found(wrong, "needs a later one").examples[0].contains("question 6"));
    assert_eq!(
        found(wrong, "entailed questions of val_all").examples,
        ["9, from 1"]
    );
    assert_eq!(found(wrong, "not among all of their split").examples, ["3"]);
    assert!(found(wrong, "cannot be decoded").examples[0].contains("b.jpg"));
    assert_eq!(
        found(wrong, "val_balanced of another size").examples,
        ["a: 9×6, not 8×6"]
    );
    let missing = &report.missing;
    assert!(found(missing, "that are not there").examples[0].contains("c.jpg"));
    assert!(found(missing, "without choices").examples[0].contains("val_choices"));
    assert_eq!(
        found(missing, "val_all without a scene graph").examples,
        ["b"]
    );
}

#[test]
fn statements_and_boxes_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let line = |id: &str, label: &str| {
        format!("{{\"identifier\": \"{id}\", \"sentence\": \"Dogs.\", \"label\": \"{label}\"}}\n")
    };
    let lines = [
        line("dev-1-0-0", "True"),
        line("dev-1-0-0", "False"),
        line("dev-1-1-0", "perhaps"),
        line("test1-1-0-0", "True"),
        "{\"identifier\": \n".to_owned(),
    ];
    write(root, "data/dev.json", lines.concat());
    picture(root, "dev/dev-1-0-img0.png", 4, 4);
    let first = report(root, false);
    let part = &first.parts[0];
    assert_eq!(
        (part.records, part.types["true"], part.types["false"]),
        (3, 2, 1)
    );
    assert_eq!(first.decoded, None);
    let wrong = &first.inconsistent;
    assert_eq!(found(wrong, "occur twice").examples, ["dev-1-0-0"]);
    let bad = found(wrong, "cannot be read");
    assert!(
        bad.count == 2 && bad.examples[0].contains("perhaps"),
        "{bad:?}"
    );
    assert_eq!(
        found(wrong, "not split-set-pair-sentence").examples,
        ["test1-1-0-0"]
    );
    // The right one of dev-1-0, and both of test1-1-0.
    assert_eq!(found(&first.missing, "that are not there").count, 3);

    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(
        root,
        "dev.json",
        r##"{"identifier": "1-0", "sentence": "x", "label": "true", "structured_rep": [[{"x_loc": 95, "y_loc": 0, "size": 10, "type": "circle", "color": "#0099ff"}], [], []]}"##,
    );
    picture(root, "dev-1-0-0.png", 300, 100);
    let second = report(root, true);
    assert!(found(&second.inconsistent, "outside their box").examples[0].contains("1-0, box 0"));
    assert!(found(&second.inconsistent, "400×100").examples[0].contains("300×100"));
    assert_eq!(found(&second.missing, "that are not there").count, 5);
}

#[test]
fn tables_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(
        root,
        "a.csv",
        "id,image,question,answer,type\n1,a.png,What?,dog,name\n1,../b.png,What?,,\n1,c.png,What?,,name\n",
    );
    picture(root, "a.png", 4, 4);
    let report = report(root, false);
    let part = &report.parts[0];
    assert_eq!((part.records, part.unanswered, part.pictures), (2, 1, 2));
    assert!(found(&report.inconsistent, "cannot be read").examples[0].contains("line 3"));
    assert_eq!(found(&report.inconsistent, "occur twice").count, 1);
    assert!(found(&report.missing, "not there").examples[0].contains("c.png"));
}

/// What is made by `sdvp data make` has nothing wrong in it.
#[test]
fn the_built_in_world_is_consistent() {
    use crate::{Task, picto::Split};
    let dir = tempfile::tempdir().unwrap();
    for task in [Task::Gqa, Task::Nlvr2, Task::General] {
        let root = dir.path().join(task.name());
        crate::dataset::write(&root, task, &crate::questions(task, Split::Val, 3, 20)).unwrap();
        let report = report(&root, true);
        assert!(report.is_consistent(), "{task}: {:?}", report.inconsistent);
        assert!(report.missing.is_empty(), "{task}: {:?}", report.missing);
        let records: usize = report.parts.iter().map(|part| part.records).sum();
        assert_eq!(records, 20);
    }
}
