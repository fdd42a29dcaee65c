//! Real ViperGPT programs against CPython: the same stand-in modules on both sides, the same answers
//! and the same calls in the same order. `tools/viper_oracle.py` is the other side.
//!
//! `SDVP_VIPER_PROGRAMS` may name another file of programs, one JSON object with a `code` a line.

use super::*;
use crate::{Step, Value};
use image::RgbImage;
use sdvp_core::{AnswerOutcome, BBox, Detection, Image, Outcome, SubTask, SubTaskKind};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const ANSWERS: [&str; 8] = [
    "yes",
    "no",
    "red",
    "left",
    "2",
    "a wooden table",
    "man",
    "dog",
];

fn fnv(text: &str) -> u64 {
    let mut value: u64 = 0xCBF2_9CE4_8422_2325;
    for byte in text.bytes() {
        value = (value ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
    }
    (value ^ (value >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32
}

fn call(task: &SubTask) -> String {
    let edges = task.view.region().to_array().map(|edge| edge.to_string());
    format!("{}|{}|{}", task.kind, edges.join(","), task.text)
}

fn stand_in(task: &SubTask) -> Outcome {
    let value = fnv(&call(task));
    let answer = || ANSWERS[(value % ANSWERS.len() as u64) as usize];
    match task.kind {
        SubTaskKind::Locate => {
            let (count, first) = (value % 4, value / 4 % 4);
            let (width, height) = (u64::from(task.view.width()), u64::from(task.view.height()));
            let boxes = (0..count).map(|index| {
                let quarter = (first + index) % 4;
                let (w, h) = (width / 2, height / 2);
                let (x, y) = (quarter % 2 * w, quarter / 2 * h);
                let shrink = value >> (8 + index) & 1;
                let side = |length: u64| length.saturating_sub(shrink).max(1);
                let [x0, y0, x1, y1] = [x, y, x + side(w), y + side(h)].map(|edge| edge as f32);
                Detection {
                    bbox: BBox::new(x0, y0, x1, y1),
                    score: 0.9 - 0.1 * index as f32,
                }
            });
            Outcome::Boxes(boxes.collect())
        }
        SubTaskKind::Answer => Outcome::Answer(AnswerOutcome::certain(answer())),
        SubTaskKind::Match => Outcome::Score((value % 1000) as f32 / 1000.0),
        SubTaskKind::Depth => Outcome::Depth((value % 1000) as f32),
        _ => Outcome::Text(answer().to_owned()),
    }
}

/// A value as both sides write it.
fn shown(value: &Value) -> String {
    match value {
        Value::View(view) => {
            let edges = view.region().to_array().map(|edge| edge.to_string());
            format!("patch {}", edges.join(","))
        }
        Value::Text(text) => format!("str {text}"),
        Value::Int(number) => format!("int {number}"),
        Value::Float(number) => format!("float {number:?}"),
        Value::Bool(_) => format!("bool {value}"),
        Value::List(values) => {
            let items: Vec<String> = values.iter().map(shown).collect();
            format!("[{}]", items.join("; "))
        }
        other => format!("NoneType {other}"),
    }
}

fn run(code: &str) -> (Result<String, String>, Vec<String>) {
    let program = match ViperProgram::parse(code, &ViperSettings::default()) {
        Ok(program) => program,
        Err(errors) => return (Err(errors.to_string()), Vec::new()),
    };
    let image = Image::new(RgbImage::new(400, 300)).unwrap();
    let mut execution = program.start(&vec![("IMAGE".to_owned(), image)]);
    let mut calls = Vec::new();
    let mut step = execution.start();
    loop {
        match step {
            Ok(Step::Needs(task)) => {
                calls.push(call(&task));
                step = execution.resume(Ok(stand_in(&task)));
            }
            Ok(Step::Done(value)) => return (Ok(shown(&value)), calls),
            Err(error) => return (Err(error.to_string()), calls),
        }
    }
}

/// The file of programs and what CPython makes of them; `None`, with a reason printed, where either
/// is not to be had.
fn oracle() -> Option<(Vec<Json>, Vec<Json>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let programs = match std::env::var_os("SDVP_VIPER_PROGRAMS") {
        Some(path) => PathBuf::from(path),
        None => root.join("../shared/data/programs/viper_2000.jsonl"),
    };
    if !programs.is_file() {
        println!("skipped: there is no {}", programs.display());
        return None;
    }
    let python = Command::new("python3")
        .arg(root.join("tools/viper_oracle.py"))
        .arg(&programs)
        .output();
    let output = match python {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: python3 does not run: {error}");
            return None;
        }
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = |text: &str| -> Vec<Json> {
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    };
    let programs = lines(&std::fs::read_to_string(&programs).unwrap());
    Some((programs, lines(&String::from_utf8(output.stdout).unwrap())))
}

#[test]
fn real_programs_run_as_under_cpython() {
    let Some((programs, expected)) = oracle() else {
        return;
    };
    assert_eq!(programs.len(), expected.len());
    let (mut ran, mut same, mut both_fail) = (0, 0, 0);
    let mut differences: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, (program, expected)) in programs.iter().zip(&expected).enumerate() {
        let (result, calls) = run(program["code"].as_str().unwrap());
        if expected["ok"] == false {
            both_fail += usize::from(result.is_err());
            continue;
        }
        ran += 1;
        let cause = match &result {
            Err(error) => format!("fails: {}", error.lines().last().unwrap_or_default()),
            Ok(answer) if expected["answer"] != answer.as_str() => "another answer".to_owned(),
            Ok(_) if expected["calls"] != Json::from(calls) => "other calls".to_owned(),
            Ok(_) => {
                same += 1;
                continue;
            }
        };
        differences.entry(cause).or_default().push(index);
    }
    let failing = programs.len() - ran;
    println!(
        "{same} of {ran} the same as under CPython; of {failing} that fail there, {both_fail} fail"
    );
    for (cause, which) in &differences {
        println!("{:4} {cause}: programs {which:?}", which.len());
    }
    assert!(ran > 0 && same * 100 >= ran * 99, "{differences:#?}");
}
