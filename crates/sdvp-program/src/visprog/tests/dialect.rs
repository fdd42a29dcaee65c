//! Runs `DIALECT.md`.

use super::*;

const PAGE: &str = include_str!("../DIALECT.md");

/// A fenced block: its language, its text and where it starts.
struct Block {
    language: String,
    text: String,
    line: usize,
    heading: String,
}

fn blocks() -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(String, Block)> = None;
    let mut heading = String::new();
    for (index, line) in PAGE.lines().enumerate() {
        match &mut open {
            Some((fence, block)) => {
                if line == fence {
                    found.extend(open.take().map(|(_, block)| block));
                } else {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
            }
            None if line.starts_with("```") => {
                let language = line.trim_start_matches('`');
                let fence = line[..line.len() - language.len()].to_owned();
                let block = Block {
                    language: language.to_owned(),
                    text: String::new(),
                    line: index + 1,
                    heading: heading.clone(),
                };
                open = Some((fence, block));
            }
            None if line.starts_with('#') => heading = line.to_owned(),
            None => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

fn outcomes(text: &str) -> Vec<Outcome> {
    text.lines()
        .map(|line| match line.split_once(' ') {
            Some(("answer", text)) => answer(text),
            Some(("boxes", found)) => boxes(
                &found
                    .split(',')
                    .map(|one| {
                        let numbers: Vec<f32> =
                            one.split_whitespace().map(|n| n.parse().unwrap()).collect();
                        ([numbers[1], numbers[2], numbers[3], numbers[4]], numbers[0])
                    })
                    .collect::<Vec<_>>(),
            ),
            None if line == "boxes" => boxes(&[]),
            _ => panic!("{line}"),
        })
        .collect()
}

fn check_faults(program: &Block, expected: &str) {
    let found = faults(&program.text);
    let matches = found.len() == expected.lines().count()
        && found
            .iter()
            .zip(expected.lines())
            .all(|(found, start)| found.starts_with(start));
    assert!(
        matches,
        "DIALECT.md, line {}: found\n{}",
        program.line,
        found.join("\n")
    );
}

fn check_values(program: &Block, given: Vec<Outcome>, expected: &str) {
    let settings = VisProgSettings {
        reference_side_crops: program.heading.ends_with("(compatibility)"),
        ..VisProgSettings::default()
    };
    let parsed = VisProgProgram::parse(&program.text, &settings)
        .unwrap_or_else(|errors| panic!("DIALECT.md, line {}: {errors}", program.line));
    let inputs = ["IMAGE", "LEFT", "RIGHT"].map(|name| (name, image(100, 80)));
    let (result, trace) = scripted(&parsed, &inputs, given);
    let mut found: Vec<String> = trace
        .steps
        .iter()
        .map(|step| format!("{} = {}", step.variable, step.value))
        .collect();
    found.extend(result.err().map(|error| error.to_string()));
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(found, expected, "DIALECT.md, line {}", program.line);
}

#[test]
fn the_page_tells_the_truth() {
    let blocks = blocks();
    let mut blocks = blocks.iter();
    let mut programs = 0;
    while let Some(program) = blocks.next() {
        assert_eq!(
            program.language, "visprog",
            "DIALECT.md, line {}",
            program.line
        );
        programs += 1;
        let mut next = blocks.next().unwrap();
        let mut given = Vec::new();
        if next.language == "outcomes" {
            given = outcomes(&next.text);
            next = blocks.next().unwrap();
        }
        match next.language.as_str() {
            "faults" => check_faults(program, &next.text),
            "values" => check_values(program, given, &next.text),
            other => panic!("DIALECT.md, line {}: {other}", next.line),
        }
    }
    assert!(programs >= 10);
}
