//! Published records: compiled and answered from graphs that fit them.

use super::graph::{Graph, HEIGHT, WIDTH};
use super::{programs, run, stand_in};
use crate::Gold;
use crate::gqa::functional::Functional;
use crate::gqa::read_questions;
use crate::shared_data::shared;
use image::RgbImage;
use sdvp_core::Image;

/// Records whose programs answer otherwise, with the reason: id, framework (0 is VisProg, 1 is
/// ViperGPT), reason.
const EXCEPTIONS: [(&str, usize, &str); 0] = [];

#[test]
fn published_records_are_answered_as_they_should_be() {
    let Some(path) = shared("gqa/full_records_50.json") else {
        return;
    };
    let records = read_questions(&path).unwrap();
    assert_eq!(records.len(), 50);
    let blank = Image::new(RgbImage::new(WIDTH, HEIGHT)).unwrap();
    let inputs = vec![("IMAGE".to_owned(), blank)];
    let mut right = [0; 2];
    let mut faults = Vec::new();
    for record in &records {
        let graph = Graph::of(record);
        let functional = Functional::read(&record.id, &record.semantic).unwrap();
        let gold = Gold::Text(record.answer.clone().unwrap());
        for (framework, program) in programs(&functional).iter().enumerate() {
            let result = run(program.as_ref(), &inputs, |task| {
                stand_in::answer(&graph, task)
            });
            let is_right = result.as_ref().is_ok_and(|result| gold.matches(result));
            right[framework] += usize::from(is_right);
            let excepted = EXCEPTIONS
                .iter()
                .any(|(id, which, _)| *id == record.id && *which == framework);
            if is_right == excepted {
                let (text, source) = (&record.question, program.source());
                faults.push(format!(
                    "{} {text}\n{gold:?} {result:?}\n{}\n{source}\n{graph:?}\n",
                    record.id, record.semantic_str
                ));
            }
        }
    }
    println!("right of 50: VisProg {}, ViperGPT {}", right[0], right[1]);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(right.iter().all(|right| *right >= 48), "{right:?}");
}
