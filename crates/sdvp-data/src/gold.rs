//! Right answers, and how results are scored against them.

use sdvp_core::BBox;
use sdvp_program::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The right answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gold {
    /// A word or number, lower-case.
    Text(String),
    /// Whether the statement is true.
    Bool(bool),
    /// The names of what is there; may be empty.
    Names(BTreeSet<String>),
    /// Where the described thing is, in the picture's coordinates.
    Box(BBox),
}

impl Default for Gold {
    /// No word.
    fn default() -> Self {
        Gold::Text(String::new())
    }
}

/// From this intersection over union on, a box counts as right.
pub const RIGHT_IOU: f64 = 0.5;

impl Gold {
    /// How well a program's result answers, in `[0, 1]`: 1 or 0 for words and truth values; F1 of
    /// the comma-separated names (1 where both have none); intersection over union of the first
    /// box. A result of the wrong type scores 0.
    pub fn score(&self, result: &Value) -> f64 {
        match self {
            Gold::Text(right) => f64::from(plain(&answer_text(result)) == plain(right)),
            Gold::Bool(right) => f64::from(truth(result) == Some(*right)),
            Gold::Names(right) => f1(right, &names(&result.to_string())),
            Gold::Box(right) => match result {
                Value::Boxes(found) => found
                    .in_image()
                    .first()
                    .map_or(0.0, |first| f64::from(right.iou(&BBox::from(*first)))),
                _ => 0.0,
            },
        }
    }

    /// Whether the result counts as right: a full score, or for boxes at least [`RIGHT_IOU`].
    pub fn matches(&self, result: &Value) -> bool {
        let needed = match self {
            Gold::Box(_) => RIGHT_IOU,
            _ => 1.0,
        };
        self.score(result) >= needed
    }

    /// The answer as benchmark files write it: words, `True`/`False`, names separated by commas,
    /// or `[x0, y0, x1, y1]`.
    pub fn text(&self) -> String {
        match self {
            Gold::Text(text) => text.clone(),
            Gold::Bool(true) => "True".to_owned(),
            Gold::Bool(false) => "False".to_owned(),
            Gold::Names(names) => names.iter().cloned().collect::<Vec<_>>().join(", "),
            Gold::Box(b) => format!("[{}, {}, {}, {}]", b.x0, b.y0, b.x1, b.y1),
        }
    }
}

/// The names of a comma-separated list, lower-case, without empty ones.
pub(crate) fn names(text: &str) -> BTreeSet<String> {
    text.split(',')
        .map(plain)
        .filter(|name| !name.is_empty())
        .collect()
}

/// The box that [`Gold::text`] wrote.
pub(crate) fn parse_box(text: &str) -> Option<BBox> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let numbers: Vec<f32> = inner
        .split(',')
        .map(|number| number.trim().parse().ok())
        .collect::<Option<_>>()?;
    match numbers.as_slice() {
        [x0, y0, x1, y1] => Some(BBox::new(*x0, *y0, *x1, *y1)),
        _ => None,
    }
}

fn plain(text: &str) -> String {
    text.trim().trim_end_matches('.').to_lowercase()
}

/// Truth values answer yes/no questions too.
fn answer_text(result: &Value) -> String {
    match result {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}

fn truth(result: &Value) -> Option<bool> {
    match result {
        Value::Bool(truth) => Some(*truth),
        Value::Text(text) => match plain(text).as_str() {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn f1(right: &BTreeSet<String>, found: &BTreeSet<String>) -> f64 {
    if right.is_empty() && found.is_empty() {
        return 1.0;
    }
    let common = right.intersection(found).count() as f64;
    2.0 * common / (right.len() + found.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn words_and_numbers_match_however_they_are_typed() {
        let two = Gold::Text("2".to_owned());
        assert!(two.matches(&Value::Int(2)) && two.matches(&text(" 2")));
        assert!(!two.matches(&Value::Int(3)) && !two.matches(&Value::None));
        let yes = Gold::Text("yes".to_owned());
        assert!(yes.matches(&text("Yes")) && yes.matches(&Value::Bool(true)));
        assert!(!yes.matches(&Value::Bool(false)));
    }

    #[test]
    fn truth_values_are_not_numbers() {
        assert!(Gold::Bool(true).matches(&Value::Bool(true)));
        assert!(Gold::Bool(false).matches(&text("no")));
        assert!(!Gold::Bool(true).matches(&Value::Int(1)));
        assert!(!Gold::Bool(false).matches(&text("dog")));
    }

    #[test]
    fn names_are_scored_by_f1() {
        let gold = Gold::Names(set(&["dog", "cat"]));
        assert_eq!(gold.score(&text("cat, dog, ")), 1.0);
        assert_eq!(gold.score(&text("dog, bus")), 0.5);
        assert_eq!(gold.score(&text("")), 0.0);
        assert_eq!(Gold::Names(set(&[])).score(&text(" ")), 1.0);
    }

    #[test]
    fn boxes_are_read_back_as_written() {
        let bbox = BBox::new(1.5, 2.0, 30.25, 40.0);
        assert_eq!(parse_box(&Gold::Box(bbox).text()), Some(bbox));
        assert_eq!(parse_box("[1, 2, 3]"), None);
        assert_eq!(parse_box("dog"), None);
        assert_eq!(Gold::Box(bbox).score(&text("dog")), 0.0);
    }
}
