//! Every example that models are shown is a program that can be read, and gives its answer.

// The exemption of tests does not reach the helpers of integration tests.
#![allow(clippy::unwrap_used, clippy::panic)]

use image::RgbImage;
use sdvp_core::{AnswerOutcome, BBox, Detection, Image, Outcome, SubTask};
use sdvp_language::{Example, ExampleCall, Form, Framework, examples, extract};
use sdvp_program::viper::{self, ViperProgram, ViperSettings};
use sdvp_program::visprog::{self, VisProgProgram, VisProgSettings};
use sdvp_program::{Inputs, Program, Step};
use std::collections::HashSet;
use std::sync::Arc;

/// Width and height of every picture.
const SIZE: (u32, u32) = (400, 300);

fn all() -> impl Iterator<Item = (Framework, Form, &'static Example)> {
    Framework::ALL.into_iter().flat_map(|framework| {
        Form::ALL.into_iter().flat_map(move |form| {
            examples(framework, form)
                .iter()
                .map(move |example| (framework, form, example))
        })
    })
}

fn settings(example: &Example) -> VisProgSettings {
    VisProgSettings {
        inputs: example.pictures.clone(),
        ..VisProgSettings::default()
    }
}

/// Reads the program; what it may not be is a fault.
fn parsed(framework: Framework, example: &Example) -> Arc<dyn Program> {
    let source = example.program.as_str();
    let faults = match framework {
        Framework::VisProg => visprog::check(source, &settings(example)),
        Framework::Viper => viper::check(source, &ViperSettings::default()),
    };
    assert_eq!(faults, [], "{source}");
    match framework {
        Framework::VisProg => Arc::new(VisProgProgram::parse(source, &settings(example)).unwrap()),
        Framework::Viper => {
            let program = ViperProgram::parse(source, &ViperSettings::default()).unwrap();
            Arc::new(program.asking(&example.question, &[]))
        }
    }
}

fn outcome(call: &ExampleCall, task: &SubTask) -> Outcome {
    let said = call.outcome.as_str();
    match call.kind.as_str() {
        "locate" => Outcome::Boxes(
            said.split(';')
                .filter(|corners| !corners.trim().is_empty())
                .enumerate()
                .map(|(n, corners)| {
                    let corners: Vec<f32> = corners
                        .split_whitespace()
                        .map(|n| n.parse().unwrap())
                        .collect();
                    let [x0, y0, x1, y1] = corners[..] else {
                        panic!("{said}");
                    };
                    let inside = x0 < x1
                        && y0 < y1
                        && x1 <= task.view.width() as f32
                        && y1 <= task.view.height() as f32;
                    assert!(inside, "{said} is not in {}", task.view.region());
                    Detection {
                        bbox: BBox::new(x0, y0, x1, y1),
                        score: 0.9 - 0.1 * n as f32,
                    }
                })
                .collect(),
        ),
        "answer" => Outcome::Answer(AnswerOutcome::certain(said)),
        "match" => Outcome::Score(said.parse().unwrap()),
        other => panic!("{other}"),
    }
}

/// The result of a run with the outcomes that the example states, each of which must be asked for.
fn run(program: &dyn Program, example: &Example) -> String {
    let inputs: Inputs = example
        .pictures
        .iter()
        .map(|name| {
            let picture = Image::new(RgbImage::new(SIZE.0, SIZE.1)).unwrap();
            (name.clone(), picture)
        })
        .collect();
    let mut execution = program.start(&inputs);
    let mut calls = example.calls.iter();
    let mut step = execution.start();
    loop {
        match step {
            Ok(Step::Needs(task)) => {
                let asked = (task.kind.name(), task.text.as_str());
                let call = calls.next();
                let stated = call.map(|call| (call.kind.as_str(), call.text.as_str()));
                assert_eq!(Some(asked), stated, "{}", example.question);
                step = execution.resume(Ok(outcome(call.unwrap(), &task)));
            }
            Ok(Step::Done(value)) => {
                assert_eq!(
                    calls.next(),
                    None,
                    "{}: it is not asked for",
                    example.question
                );
                return value.to_string();
            }
            Err(error) => panic!("{}: {error}\n{}", example.question, example.program),
        }
    }
}

#[test]
fn every_example_gives_its_answer() {
    let wrong: Vec<String> = all()
        .filter_map(|(framework, _, example)| {
            let found = run(&*parsed(framework, example), example);
            let said = format!("{framework}: {}: {found}", example.question);
            (found != example.answer).then_some(said)
        })
        .collect();
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_example_is_found_in_what_a_model_would_write() {
    for (framework, _, example) in all() {
        let said = format!("Here you are:\n```python\n{}```\nBye.", example.program);
        let found = extract(&said, framework, &example.pictures).unwrap();
        let plain = extract(&example.program, framework, &example.pictures).unwrap();
        assert_eq!(found.normal, plain.normal);
        assert_eq!(plain.program, example.program.trim());
    }
}

#[test]
fn there_are_a_dozen_of_every_kind_and_none_twice() {
    for framework in Framework::ALL {
        for form in Form::ALL {
            let questions: HashSet<&str> = examples(framework, form)
                .iter()
                .map(|example| example.question.as_str())
                .collect();
            assert!(questions.len() >= 12, "{framework} {form:?}");
            assert_eq!(questions.len(), examples(framework, form).len());
        }
    }
    assert!(all().all(|(_, _, example)| !example.pictures.is_empty()));
    assert!(all().all(|(_, form, example)| {
        form == Form::General || Form::of(&example.pictures) == form
    }));
}

#[test]
fn none_is_of_the_published_examples() {
    let file = "../../../shared/data/programs/visprog_examples.jsonl";
    let viper = "../../../shared/data/programs/viper_2000.jsonl";
    let mut published = HashSet::new();
    for file in [file, viper] {
        let Ok(text) = std::fs::read_to_string(file) else {
            println!("skipped: {file} is not there");
            return;
        };
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            published.insert(line["query"].as_str().unwrap().trim().to_lowercase());
        }
    }
    assert!(published.len() > 100);
    let copied: Vec<&str> = all()
        .map(|(_, _, example)| example.question.as_str())
        .filter(|question| published.contains(&question.to_lowercase()))
        .collect();
    assert_eq!(copied, [""; 0]);
}
