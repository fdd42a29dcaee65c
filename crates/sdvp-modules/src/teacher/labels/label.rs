//! What a record says of its call, checked.

use super::call::{Address, quoted};
use super::error::Result;
use super::fault::Faults;
use super::record::{Record, ScoredBox, WeighedAnswer};
use sdvp_core::{AnswerOutcome, BBox, Detection, Outcome, Region, SubTaskKind};
use sdvp_models::Calibration;
use std::collections::HashSet;

/// How far probabilities may sum beside 1 by rounding.
const ROUNDING: f64 = 1e-3;

/// The label in a record; none if it has none. Boxes are as they stand there, relative to the
/// region's corner, in falling order of score.
pub(super) fn label_of(
    record: Record,
    address: &Address,
    faults: &Faults<'_>,
) -> Result<Option<Outcome>> {
    // Tables have every column in every row. An empty list of boxes says something, one of answers
    // does not.
    let boxes = record.boxes.filter(|boxes| {
        !boxes.is_empty() || address.kind.is_none_or(|kind| kind == SubTaskKind::Locate)
    });
    let answers = record.answers.filter(|answers| !answers.is_empty());
    let found = [
        ("boxes", SubTaskKind::Locate, boxes.is_some()),
        ("answer", SubTaskKind::Answer, record.answer.is_some()),
        ("answers", SubTaskKind::Answer, answers.is_some()),
        (
            "probability",
            SubTaskKind::Match,
            record.probability.is_some(),
        ),
    ];
    let mut found = found.into_iter().filter(|(.., there)| *there);
    let Some((field, kind, _)) = found.next() else {
        return match record.confidence {
            None => Ok(None),
            Some(_) => Err(faults.field("answer", "the answer that is so sure", "nothing")),
        };
    };
    if let Some((other, ..)) = found.next() {
        let expected = format!("one label a call, which has {field} already");
        return Err(faults.field(other, expected, "another one"));
    }
    if let Some(asked) = address.kind
        && asked != kind
    {
        let expected = match asked {
            SubTaskKind::Locate => "boxes, as the call's kind is locate",
            SubTaskKind::Match => "probability, as the call's kind is match",
            _ => "answer or answers, as the call's kind is answer",
        };
        return Err(faults.field(field, expected, field));
    }
    if record.confidence.is_some() && record.answer.is_none() {
        return Err(faults.field("confidence", "answer beside it", field));
    }
    if let Some(boxes) = boxes {
        let believed = record.believed.map(|p| believed(p, faults)).transpose()?;
        return detections(&boxes, believed, address.region, faults)
            .map(|d| Some(Outcome::Boxes(d)));
    }
    if let Some(answers) = answers {
        return distribution(answers, faults).map(|answer| Some(Outcome::Answer(answer)));
    }
    if let Some(answer) = record.answer {
        let confidence = record.confidence.unwrap_or(1.0);
        let confidence = probability(confidence, "confidence", faults)?;
        let text = as_said(&answer, "answer", faults)?;
        return Ok(Some(Outcome::Answer(AnswerOutcome {
            top: vec![(text.clone(), confidence)],
            text,
            confidence,
        })));
    }
    let fit = record
        .probability
        .map(|p| probability(p, "probability", faults));
    Ok(fit.transpose()?.map(Outcome::Score))
}

/// The part of a box that lies in a view of that size; none if it does not reach into it.
pub(super) fn within(bbox: &BBox, width: u32, height: u32) -> Option<BBox> {
    let view = BBox::new(0.0, 0.0, width as f32, height as f32);
    let inside = bbox.intersection(&view);
    (inside.area() > 0.0).then_some(inside)
}

fn detections(
    boxes: &[ScoredBox],
    believed: Option<Calibration>,
    region: Option<Region>,
    faults: &Faults<'_>,
) -> Result<Vec<Detection>> {
    let detection = |(at, found): (usize, &ScoredBox)| {
        let bbox = bbox(&found.r#box, &format!("boxes[{at}].box"), region, faults)?;
        let score = found.score.unwrap_or(1.0);
        let score = probability(score, &format!("boxes[{at}].score"), faults)?;
        // A calibration that changes nothing rounds all the same.
        let score = believed.map_or(score, |believed| believed.score_of(score));
        Ok(Detection { bbox, score })
    };
    let found = boxes.iter().enumerate().map(detection);
    let mut found: Vec<Detection> = found.collect::<Result<_>>()?;
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(found)
}

/// A box that has an area, some of it in the region.
pub(super) fn bbox(
    edges: &[f64],
    field: &str,
    region: Option<Region>,
    faults: &Faults<'_>,
) -> Result<BBox> {
    let wrong = |expected: &str| faults.field(field, expected, format!("{edges:?}"));
    let &[left, top, right, bottom] = edges else {
        return Err(wrong("four numbers, [left, top, right, bottom]"));
    };
    let bbox = BBox::new(left as f32, top as f32, right as f32, bottom as f32);
    if !bbox.is_finite() {
        return Err(wrong("finite numbers"));
    }
    if bbox.area() <= 0.0 {
        return Err(wrong(
            "[left, top, right, bottom] with left < right and top < bottom",
        ));
    }
    if bbox.x1 <= 0.0 || bbox.y1 <= 0.0 {
        return Err(wrong("pixels from the top-left corner, not all before it"));
    }
    if bbox.x1 <= 1.0 && bbox.y1 <= 1.0 {
        return Err(wrong(
            "pixels, and no parts of the sides: this box is all in the first pixel",
        ));
    }
    match region {
        Some(region) if within(&bbox, region.width(), region.height()).is_none() => {
            let (width, height) = (region.width(), region.height());
            Err(wrong(&format!(
                "pixels from the region's top-left corner, within its {width}×{height}"
            )))
        }
        _ => Ok(bbox),
    }
}

fn distribution(answers: Vec<WeighedAnswer>, faults: &Faults<'_>) -> Result<AnswerOutcome> {
    let mut top: Vec<(String, f32)> = Vec::with_capacity(answers.len());
    let mut total = 0.0;
    let mut known = HashSet::new();
    for (at, found) in answers.into_iter().enumerate() {
        let text = as_said(&found.answer, &format!("answers[{at}].answer"), faults)?;
        if !known.insert(text.clone()) {
            let field = format!("answers[{at}].answer");
            return Err(faults.field(field, "every answer once", quoted(&text)));
        }
        let field = format!("answers[{at}].probability");
        top.push((text, probability(found.probability, &field, faults)?));
        total += found.probability;
    }
    if total > 1.0 + ROUNDING {
        return Err(faults.field("answers", "probabilities that sum to at most 1", total));
    }
    top.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (text, confidence) = top.first().cloned().unwrap_or_default();
    Ok(AnswerOutcome {
        text,
        confidence,
        top,
    })
}

/// An answer as students have it: in small letters, without blanks around it.
fn as_said(answer: &str, field: &str, faults: &Faults<'_>) -> Result<String> {
    match answer.trim().to_lowercase() {
        empty if empty.is_empty() => Err(faults.field(field, "an answer", quoted(answer))),
        answer => Ok(answer),
    }
}

pub(super) fn believed(p: f64, faults: &Faults<'_>) -> Result<Calibration> {
    Calibration::try_from(p as f32)
        .map_err(|_| faults.field("believed", "a number between 0 and 1, both excluded", p))
}

pub(super) fn probability(p: f64, field: &str, faults: &Faults<'_>) -> Result<f32> {
    match (0.0..=1.0).contains(&p) {
        true => Ok(p as f32),
        false => Err(faults.field(field, "a number from 0 to 1", p)),
    }
}
