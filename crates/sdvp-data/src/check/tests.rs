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
fn what_lies_beside_questions_is_read_and_compared_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(
        root,
        "val_all_questions.json",
        format!("{{{}}}", question("1", "a", "")),
    );
    let choices = r#"{"1": {"valid": [], "plausible": []}, "7": {"valid": []}, "8": {"valid": 3}}"#;
    write(root, "val_choices.json", choices);
    write(
        root,
        "val_attentions.json",
        r#"[{"questionId": "1", "attention": [[1.0]]}, {"questionId": "1", "attention": [[1.0]]},
        {"questionId": "9", "attention": [[1.0]]}, {"questionId": "1", "attention": [[1.0, 2.0]]}]"#,
    );
    let program = |id: &str, program: &str| {
        format!("{{\"id\": \"{id}\", \"query\": \"?\", \"program\": \"{program}\"}}\n")
    };
    let lines = [
        program("1", "p"),
        program("1", "q"),
        program("5", "p"),
        "{\"query\": \"?\", \"program\": \"p\"}\n{\"id\": \"1\"}\n".to_owned(),
    ];
    write(root, "programs.jsonl", lines.concat());
    let report = report(root, false);
    let (missing, wrong) = (&report.missing, &report.inconsistent);
    for (file, id) in [
        ("val_choices.json", "7"),
        ("val_attentions.json", "9"),
        ("programs.jsonl", "5"),
    ] {
        let what = format!("ids in {file} that no question has");
        assert_eq!(found(missing, &what).examples, [id]);
    }
    let unread = found(wrong, "records that cannot be read");
    assert_eq!(unread.count, 3, "{unread:?}");
    assert!(unread.examples.iter().any(|e| e.contains("val_choices")));
    assert_eq!(found(wrong, "twice in val_attentions.json").examples, ["1"]);
    assert_eq!(
        found(wrong, "two programs in programs.jsonl").examples,
        ["1"]
    );
}

#[test]
fn a_file_whose_first_record_is_broken_is_no_unknown_file() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let whole = format!("{{{}}}", question("1", "a", ""));
    write(root, "val_all_questions.json", &whole);
    let deep = "[".repeat(70) + &"]".repeat(70);
    let utf16: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let statement = |id: &str| format!("{{\"identifier\": \"{id}\", \"sentence\": \"x\"}}\n");
    let broken: [(&str, Vec<u8>, &str); 11] = [
        (
            "cut.json",
            whole.as_bytes()[..40].to_vec(),
            "line 1, column",
        ),
        (
            "cut_later.json",
            b"{\n \"1\": {\"question\": \"Is".to_vec(),
            "line 2, column",
        ),
        (
            "nan.json",
            b"{\"1\": {\"question\": NaN}}".to_vec(),
            "line 1, column",
        ),
        (
            "great.json",
            b"{\n\"1\": {\"question\": 1e400}}".to_vec(),
            "not JSON: number out of range",
        ),
        (
            "deep.json",
            format!("{{\n\"1\": {deep}}}").into_bytes(),
            "json-depth",
        ),
        ("utf16.json", utf16, "UTF-16"),
        ("gzip.json", b"\x1f\x8b\x08\0\0".to_vec(), "gzip"),
        ("empty.json", Vec::new(), "an empty file"),
        (
            "lines.json",
            (statement("dev-1-0-0")[..30].to_owned() + "\n" + &statement("dev-1-0-1")).into_bytes(),
            "not JSON",
        ),
        (
            "lines.jsonl",
            b"{\"question\": \"a\", \"ans\n{\"question\": \"b\"}\n".to_vec(),
            "line 1, column",
        ),
        ("text.json", b"nothing\n".to_vec(), "line 1, column"),
    ];
    for (name, text, expected) in &broken {
        write(root, name, text);
        let error = Benchmark::open(&root.join(name), &OpenOptions::default());
        let error = error.unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(expected), "{error}");
    }
    // These are whole, and of no matter.
    write(root, "notes.json", "{\n\"about\": {\"x\": 1}\n}\n");
    write(root, "number.json", "7");
    let report = report(root, false);
    assert_eq!(
        report.unread,
        [root.join("notes.json"), root.join("number.json")]
    );
    let found = found(&report.inconsistent, "first record cannot be read");
    assert_eq!(found.count, broken.len());
    assert!(!report.is_consistent());
    let named = Benchmark::open(root, &OpenOptions::default()).unwrap();
    let error = named.part(Some("cut")).unwrap_err().to_string();
    assert!(error.contains("a file is left out"), "{error}");
}

#[test]
fn one_file_of_questions_finds_the_pictures_beside_their_folder() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let file = "questions/val_balanced_questions.json";
    write(root, file, format!("{{{}}}", question("1", "a", "")));
    picture(root, "images/a.png", 8, 6);
    let pieces = "questions/train_all_questions/train_all_questions_0.json";
    write(root, pieces, format!("{{{}}}", question("1", "a", "")));
    let statement = r#"{"identifier": "dev-1-0-0", "sentence": "x", "label": "True"}"#;
    write(root, "data/balanced/balanced_dev.json", statement);
    picture(root, "dev/dev-1-0-img0.png", 4, 4);
    picture(root, "dev/dev-1-0-img1.png", 4, 4);
    for file in [file, pieces, "data/balanced/balanced_dev.json"] {
        let report = report(&root.join(file), true);
        let absent = |remark: &Remark| remark.what.contains("not there");
        assert!(!report.missing.iter().any(absent), "{report:?}");
        assert!(report.is_consistent() && report.decoded > Some(0));
    }
    // A folder of another name is not left.
    write(
        root,
        "mine/a.json",
        format!("{{{}}}", question("1", "a", "")),
    );
    let report = report(&root.join("mine/a.json"), false);
    assert_eq!(found(&report.missing, "not there").examples.len(), 1);
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
