//! A record as it stands in a file, before it is known to mean anything.

use serde::Deserialize;

/// The fields of a record, each of which may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) id: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) image: Option<String>,
    pub(super) region: Option<Vec<f64>>,
    pub(super) text: Option<String>,
    pub(super) boxes: Option<Vec<ScoredBox>>,
    pub(super) believed: Option<f64>,
    pub(super) answer: Option<String>,
    pub(super) confidence: Option<f64>,
    pub(super) answers: Option<Vec<WeighedAnswer>>,
    pub(super) probability: Option<f64>,
    pub(super) detections: Option<Vec<Thing>>,
}

impl Record {
    /// The first of its fields that says something of a call.
    pub(super) fn of_a_call(&self) -> Option<&'static str> {
        let there = [
            ("id", self.id.is_some()),
            ("kind", self.kind.is_some()),
            ("region", self.region.is_some()),
            ("text", self.text.is_some()),
            ("boxes", self.boxes.is_some()),
            ("answer", self.answer.is_some()),
            ("confidence", self.confidence.is_some()),
            ("answers", self.answers.is_some()),
            ("probability", self.probability.is_some()),
        ];
        let mut there = there.into_iter().filter(|(_, there)| *there);
        there.next().map(|(field, _)| field)
    }
}

/// The names of a record's fields: those of a call, and those of its label.
pub(super) const FIELDS: [&str; 12] = [
    "id",
    "kind",
    "image",
    "region",
    "text",
    "boxes",
    "believed",
    "answer",
    "confidence",
    "answers",
    "probability",
    "detections",
];

/// A box with how likely it is right.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScoredBox {
    pub(super) r#box: Vec<f64>,
    /// 1 if missing.
    pub(super) score: Option<f64>,
}

/// A thing in a picture.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Thing {
    pub(super) label: String,
    pub(super) r#box: Vec<f64>,
    /// 1 if missing.
    pub(super) score: Option<f64>,
}

/// An answer with its probability.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WeighedAnswer {
    pub(super) answer: String,
    pub(super) probability: f64,
}
