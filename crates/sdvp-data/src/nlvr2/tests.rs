use super::*;
use crate::shared_data::shared;
use proptest::prelude::*;

#[test]
fn the_development_split_is_read() {
    let Some(path) = shared("nlvr2/dev.json") else {
        return;
    };
    let statements = read_statements(&path).unwrap();
    assert_eq!(statements.len(), 6982);
    assert_eq!(statements[0].identifier, "dev-850-0-0");
    assert_eq!(statements[0].label, Some(false));
    let true_ones = statements.iter().filter(|s| s.label == Some(true)).count();
    assert!((3300..3700).contains(&true_ones), "{true_ones}");
}

#[test]
fn pictures_are_named_by_the_pair() {
    let Some(path) = shared("nlvr2/labelled-pairs-16.jsonl") else {
        return;
    };
    let statements = read_statements(&path).unwrap();
    assert_eq!(statements.len(), 16);
    assert_eq!(
        statements[0].image_files(),
        ["dev-850-0-img0.png", "dev-850-0-img1.png"]
    );
    assert!(statements.iter().all(|s| s.label.is_some()));
}

#[test]
fn statements_read_back_and_errors_name_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("statements.jsonl");
    let statements = [Some(true), Some(false), None].map(|label| Nlvr2Statement {
        identifier: "test-1-2-0".to_owned(),
        sentence: "A dog's \"left\" ear.".to_owned(),
        label,
        directory: label.map(|_| "7".to_owned()),
    });
    write_statements(&path, &statements).unwrap();
    assert_eq!(read_statements(&path).unwrap(), statements);

    let good = r#"{"identifier": "a-0-0", "sentence": "x", "label": "True"}"#;
    let cases = [
        (r#"{"identifier": "a-0-0", "label": "True"}"#, "sentence"),
        (
            r#"{"identifier": "a-0-0", "sentence": "x", "label": "maybe"}"#,
            "label",
        ),
        (r#"{"identifier": "a/0-0", "sentence": "x"}"#, "identifier"),
        (r#"{"identifier": "a0", "sentence": "x"}"#, "identifier"),
        ("[1]", "whole record"),
        ("{", "not JSON"),
    ];
    for (line, what) in cases {
        std::fs::write(&path, format!("{good}\n\n{line}\n")).unwrap();
        let error = read_statements(&path).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains(what), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_is_read_or_refused(
        text in ".{0,80}",
        label in "(true|\"True\"|3|null|\\[\\])",
        identifier in "[a-z0-9/.-]{0,6}",
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("statements.jsonl");
        std::fs::write(&path, &text).unwrap();
        let _ = read_statements(&path);
        let record = format!(
            "{{\"identifier\": \"{identifier}\", \"sentence\": \"x\", \"label\": {label}}}"
        );
        std::fs::write(&path, record).unwrap();
        if let Ok(statements) = read_statements(&path) {
            // Nothing that is read leads out of the folder of pictures.
            for file in statements[0].image_files() {
                prop_assert_eq!(Path::new(&file).components().count(), 1);
            }
        }
    }
}
