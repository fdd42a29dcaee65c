//! Runs written, broken off, gone on with, damaged, compared and exported.

mod comparing;
mod damage;
mod exporting;
mod resuming;

use crate::*;
use sdvp_core::{AnswerOutcome, BBox, Detection, Digest, Image, Outcome, Region, SubTaskKind};
use std::collections::BTreeMap;

fn configuration() -> Configuration {
    Configuration {
        versions: BTreeMap::from([("sdvp".to_owned(), "0.1.0".to_owned())]),
        weights: BTreeMap::from([("locate".to_owned(), Digest::of(b"weights"))]),
        data: Digest::of(b"questions"),
        pictures: None,
        seed: 3,
        settings: BTreeMap::from([("task".to_owned(), "picto-gqa".into())]),
    }
}

/// One of seven pictures.
fn picture(number: u32) -> Image {
    let shade = (number % 7 * 30) as u8;
    let pixels = image::RgbImage::from_fn(12, 9, |x, y| image::Rgb([shade, x as u8, y as u8]));
    Image::new(pixels).unwrap()
}

/// Looks for a hat, then asks about it. Every fifth one fails, the others are right if even.
fn question(number: u32) -> QuestionRecord {
    let image = picture(number);
    let module = |name: &str| {
        Some(ModuleIdentity {
            name: name.to_owned(),
            fingerprint: Digest::of(name.as_bytes()),
        })
    };
    let boxes = vec![Detection {
        bbox: BBox::new(1.0, 2.0, 5.0, 6.5),
        score: 0.75,
    }];
    let located = SubTaskRecord {
        line: 1,
        kind: SubTaskKind::Locate,
        image: image.digest(),
        region: image.region(),
        text: "hat".to_owned(),
        outcome: Some(Outcome::Boxes(boxes)),
        module: module("finder"),
        source: if number < 7 {
            Source::Computed
        } else {
            Source::Cached
        },
        micros: if number < 7 { 1000 + number } else { 0 },
    };
    let mut asked = SubTaskRecord {
        line: 2,
        kind: SubTaskKind::Answer,
        region: Region::new(1, 2, 5, 7).unwrap(),
        text: format!("What is the {number}, \"exactly\"?\nSay it."),
        outcome: Some(Outcome::Answer(AnswerOutcome::certain("red"))),
        module: module("answerer"),
        source: Source::Computed,
        micros: 500,
        ..located.clone()
    };
    let failed = number % 5 == 4;
    if failed {
        (asked.outcome, asked.module, asked.source) = (None, None, Source::Unknown);
    }
    QuestionRecord {
        number,
        id: format!("q{number:05}"),
        text: format!("Is the hat of {number} red?"),
        kind: ["verify", "query"][number as usize % 2].to_owned(),
        gold: "yes".to_owned(),
        program: Some("BOX0=LOC(image=IMAGE,object='hat')".to_owned()),
        answer: match failed {
            true => Err("line 2: answerer failed: no".to_owned()),
            false => Ok(["yes", "no"][number as usize % 2].to_owned()),
        },
        score: f64::from(u8::from(!failed && number.is_multiple_of(2))),
        sub_tasks: vec![located, asked],
        images: vec![image],
    }
}

/// Checks that the questions that are there are there as a whole.
fn assert_whole(reader: &RunReader) {
    let mut questions = Vec::new();
    let taken = reader.each_question(|row| {
        questions.push(row);
        Ok(())
    });
    taken.unwrap();
    for row in &questions {
        let written = question(row.number);
        assert_eq!(row.answer.as_ref(), written.answer.as_ref().ok());
        assert_eq!(row.error.as_ref(), written.answer.as_ref().err());
        assert_eq!(
            (row.question.as_str(), row.score),
            (written.text.as_str(), written.score)
        );
        let sub_tasks = reader.sub_tasks(row.number).unwrap();
        assert_eq!(sub_tasks.len(), written.sub_tasks.len());
        for (found, written) in sub_tasks.iter().zip(&written.sub_tasks) {
            assert_eq!((&found.text, found.region), (&written.text, written.region));
            assert_eq!(
                (found.image, &found.module),
                (written.image, &written.module)
            );
            let outcome = found
                .outcome
                .as_deref()
                .map(|o| serde_json::from_str(o).unwrap());
            assert_eq!(outcome, written.outcome);
            assert!(reader.folder().join(found.file.as_ref().unwrap()).is_file());
        }
    }
    let counted: u64 = reader
        .summary(3)
        .unwrap()
        .sub_tasks
        .iter()
        .map(|s| s.asked)
        .sum();
    assert_eq!(
        counted,
        2 * questions.len() as u64,
        "the tally is of what is there"
    );
}
