//! Outcomes that differ by rounding only: networks compute a little otherwise beside other calls of a
//! batch.

use sdvp_core::{Detection, Outcome};

/// By so much probabilities, and depths in parts of themselves, may differ.
const PROBABILITY: f32 = 1e-3;
/// By so many pixels edges of boxes may.
const EDGE: f32 = 0.5;
/// Boxes this unlikely may be there or not.
const UNLIKELY: f32 = 0.02;

/// Whether two outcomes, as JSON of [`Outcome`], say the same.
pub(crate) fn alike(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Outcome>(text).ok();
    one == other
        || match (read(one), read(other)) {
            (Some(one), Some(other)) => same(&one, &other),
            _ => false,
        }
}

fn near(one: f32, other: f32, by: f32) -> bool {
    (one - other).abs() <= by
}

fn same(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Answer(one), Outcome::Answer(other)) => {
            one.text == other.text && near(one.confidence, other.confidence, PROBABILITY)
        }
        (Outcome::Boxes(one), Outcome::Boxes(other)) => holds(one, other) && holds(other, one),
        (Outcome::Score(one), Outcome::Score(other)) => near(*one, *other, PROBABILITY),
        (Outcome::Depth(one), Outcome::Depth(other)) => {
            near(*one, *other, PROBABILITY * one.abs().max(other.abs()))
        }
        _ => one == other,
    }
}

/// Whether every likely box of one list is in the other.
fn holds(one: &[Detection], other: &[Detection]) -> bool {
    let is_same = |a: &Detection, b: &Detection| {
        let edges = [
            (a.bbox.x0, b.bbox.x0),
            (a.bbox.y0, b.bbox.y0),
            (a.bbox.x1, b.bbox.x1),
            (a.bbox.y1, b.bbox.y1),
        ];
        near(a.score, b.score, PROBABILITY) && edges.iter().all(|(a, b)| near(*a, *b, EDGE))
    };
    let mut likely = one.iter().filter(|found| found.score >= UNLIKELY);
    likely.all(|a| other.iter().any(|b| is_same(a, b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdvp_core::{AnswerOutcome, BBox};

    fn boxes(all: &[(f32, f32)]) -> Outcome {
        let found = |&(x, score): &(f32, f32)| Detection {
            bbox: BBox::new(x, 0.0, x + 9.0, 9.0),
            score,
        };
        Outcome::Boxes(all.iter().map(found).collect())
    }

    fn answer(text: &str, confidence: f32) -> Outcome {
        Outcome::Answer(AnswerOutcome {
            text: text.to_owned(),
            confidence,
            top: Vec::new(),
        })
    }

    #[test]
    fn rounding_is_no_difference_and_anything_else_is() {
        let json = |outcome: &Outcome| serde_json::to_string(outcome).unwrap();
        let two = boxes(&[(0.0, 0.9), (30.0, 0.8999)]);
        for (one, other, expected) in [
            (answer("red", 0.9), answer("red", 0.9001), true),
            (answer("red", 0.9), answer("red", 0.8), false),
            (answer("red", 0.5), answer("blue", 0.5), false),
            (two.clone(), boxes(&[(30.1, 0.9), (0.1, 0.8999)]), true),
            (
                two.clone(),
                boxes(&[(0.0, 0.9), (30.0, 0.8999), (60.0, 0.01)]),
                true,
            ),
            (
                two.clone(),
                boxes(&[(0.0, 0.9), (30.0, 0.8999), (60.0, 0.3)]),
                false,
            ),
            (two.clone(), boxes(&[(0.0, 0.9)]), false),
            (two, boxes(&[(0.0, 0.9), (34.0, 0.8999)]), false),
            (Outcome::Score(0.4), Outcome::Score(0.4004), true),
            (Outcome::Score(0.4), Outcome::Score(0.5), false),
            (Outcome::Depth(200.0), Outcome::Depth(200.1), true),
            (Outcome::Depth(2.0), Outcome::Depth(2.1), false),
            (Outcome::Score(0.4), Outcome::Depth(0.4), false),
        ] {
            assert_eq!(
                alike(&json(&one), &json(&other)),
                expected,
                "{one:?} {other:?}"
            );
        }
        assert!(!alike("{", "["));
    }
}
