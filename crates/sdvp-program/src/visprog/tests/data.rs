//! Programs of the world outside.

use super::*;
use std::path::Path;

/// The records of a file of shared test data; nothing, with a note, where it is missing.
fn records(file: &str) -> Vec<serde_json::Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        Err(error) => {
            println!("skipped: {}: {error}", path.display());
            Vec::new()
        }
    }
}

fn field<'a>(record: &'a serde_json::Value, name: &str) -> &'a str {
    record[name].as_str().unwrap()
}

/// Each published example parses, or is refused for the fault it has.
#[test]
fn published_examples() {
    for (index, record) in records("programs/visprog_examples.jsonl")
        .iter()
        .enumerate()
    {
        let found = faults(field(record, "program"));
        let editing = matches!(
            field(record, "source"),
            "prompts/imgedit.py" | "prompts/knowtag.py"
        );
        match index {
            1 => {
                assert_eq!(found.len(), 1, "{found:#?}");
                assert!(
                    found[0].starts_with("6:25 RESULT(var=…): variable ANSWER is not defined"),
                    "{found:?}"
                );
                assert!(found[0].ends_with("did you mean ANSWER0?"), "{found:?}");
            }
            17 | 19 => {
                assert_eq!(found.len(), 1, "{found:#?}");
                assert!(
                    found[0].starts_with("5:47 faulty expression: SyntaxError"),
                    "{found:?}"
                );
            }
            _ if editing => {
                assert!(!found.is_empty(), "{index}");
                assert!(
                    found.iter().all(|f| f.contains("is not available yet")),
                    "{index}: {found:#?}"
                );
            }
            _ => assert_eq!(found, Vec::<String>::new(), "{index}"),
        }
    }
}

/// The programs for NLVR's development sentences run with any plausible answer.
#[test]
fn nlvr_programs() {
    let panels = ["LEFT", "MIDDLE", "RIGHT"].map(|name| (name, image(100, 100)));
    for (index, record) in records("nlvr/dev_programs.jsonl").iter().enumerate() {
        let program = parse(field(record, "program"));
        for round in 0..3 {
            let mut asked = 0;
            let (value, trace) = run(&program, &panels, |sub_task| {
                asked += 1;
                let number = (index + asked + round) % 4;
                Ok(answer(&match sub_task.text.split(' ').next() {
                    Some("How") => number.to_string(),
                    Some("What" | "Which") => {
                        ["black", "blue", "yellow", "none"][number].to_owned()
                    }
                    _ => ["yes", "no"][number % 2].to_owned(),
                }))
            });
            assert!(
                matches!(value, Ok(Value::Bool(_) | Value::Int(_))),
                "{program}\n{value:?}"
            );
            assert_eq!(trace.steps.len(), program.steps());
        }
    }
}
