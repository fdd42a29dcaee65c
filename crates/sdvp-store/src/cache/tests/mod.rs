//! Outcomes kept, looked up, pushed out, damaged and cleared.

mod clearing;
mod damage;
mod keeping;
mod sharing;
mod speed;

use super::*;
use sdvp_core::{AnswerOutcome, BBox, Detection, Digest, Outcome, OutcomeKey};
use std::path::Path;

const MEBIBYTE: u64 = 1 << 20;

fn settings(max_bytes: u64) -> CacheSettings {
    CacheSettings {
        max_bytes,
        program: Digest::of(b"this program"),
    }
}

fn open(folder: &Path) -> OutcomeFile {
    OutcomeFile::open(folder, settings(CacheSettings::USUAL_BYTES)).unwrap()
}

fn digest(what: &str, number: u64) -> Digest {
    Digest::of(format!("{what} {number}").as_bytes())
}

/// The key of a numbered request to a numbered module.
fn key(module: u64, request: u64) -> OutcomeKey {
    OutcomeKey {
        module: digest("module", module),
        request: digest("request", request),
    }
}

/// An outcome of each kind in turn, other for every number.
fn outcome(number: u64) -> Outcome {
    let score = (number as f32 + 0.1) / 1e7;
    match number % 5 {
        0 => Outcome::Boxes(
            (0..number % 4)
                .map(|at| Detection {
                    bbox: BBox::new(score, at as f32, 7.0 + score, 9.5),
                    score: score / (at + 1) as f32,
                })
                .collect(),
        ),
        1 => Outcome::Answer(AnswerOutcome {
            text: format!("answer {number}"),
            confidence: score,
            top: vec![(format!("answer {number}"), score), ("no".to_owned(), 0.0)],
        }),
        2 => Outcome::Score(score),
        3 => Outcome::Depth(-score),
        _ => Outcome::Text(format!("text {number}")),
    }
}

fn numbered(numbers: std::ops::Range<u64>) -> Vec<(OutcomeKey, Outcome)> {
    numbers
        .map(|number| (key(number % 3, number), outcome(number)))
        .collect()
}

/// What is there of these numbers, each as it was kept; how many there are.
fn there(cache: &OutcomeFile, numbers: std::ops::Range<u64>) -> usize {
    let all = numbered(numbers);
    let keys: Vec<OutcomeKey> = all.iter().map(|(key, _)| *key).collect();
    let found = cache.look_up(&keys).unwrap();
    assert_eq!(found.refused, Vec::<String>::new());
    assert_eq!(found.outcomes.len(), keys.len());
    let known = all.iter().zip(&found.outcomes);
    let known = known.filter_map(|((_, kept), found)| Some((kept, found.as_ref()?)));
    known
        .inspect(|(kept, found)| assert_eq!(kept, found))
        .count()
}

/// Changes the file as no cache does.
fn tamper(folder: &Path, statements: &str) {
    let connection = rusqlite::Connection::open(folder.join(FILE)).unwrap();
    connection.execute_batch(statements).unwrap();
}
