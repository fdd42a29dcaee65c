//! How well a program's value answers a question.

use sdvp_core::BBox;
use sdvp_data::Gold;
use sdvp_program::Value;
use std::collections::BTreeSet;

/// The score of what a program returned, in `[0, 1]`; a failed program scores 0.
///
/// - words: 1 if both are equal once [`normalized`], truth values reading as yes and no;
/// - truth values: 1 if equal, where yes/no, true/false and 1/0 are understood;
/// - names: F1 of the comma-separated names (or of a list's items); 1 where there are none on
///   either side;
/// - boxes: intersection over union of the gold box with the best-ranked one, or with the part of
///   the image that was returned; both in the image's coordinates.
pub fn score<E>(gold: &Gold, value: Result<&Value, E>) -> f64 {
    let Ok(value) = value else { return 0.0 };
    match gold {
        Gold::Text(right) => f64::from(normalized(&value.to_string()) == normalized(right)),
        Gold::Bool(right) => f64::from(truth(value) == Some(*right)),
        Gold::Names(right) => f1(
            &right.iter().map(|name| normalized(name)).collect(),
            &names(value),
        ),
        Gold::Box(right) => best_box(value).map_or(0.0, |found| f64::from(right.iou(&found))),
    }
}

/// An answer as it is compared: lower-case, without articles and punctuation, single spaces, whole
/// numbers without a decimal point, true and false as yes and no.
pub fn normalized(answer: &str) -> String {
    let answer = answer.trim().to_lowercase();
    if let Some(number) = whole_number(&answer) {
        return number;
    }
    // An apostrophe joins (men's), everything else separates (t-shirt, red/blue).
    let plain: String = answer
        .chars()
        .filter(|c| !matches!(c, '\'' | '’' | '`'))
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let telling: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !matches!(*word, "a" | "an" | "the"))
        .collect();
    // An answer that is an article only, such as the letter on a sign, stays.
    let kept = if telling.is_empty() { words } else { telling };
    match kept.as_slice() {
        ["true"] => "yes".to_owned(),
        ["false"] => "no".to_owned(),
        words => {
            // Without its punctuation it may be a number after all ("00+").
            let words = words.join(" ");
            whole_number(&words).unwrap_or(words)
        }
    }
}

/// Digits, with a sign or a fraction of zeros, as the integer; `nan` and `1e9` are words.
fn whole_number(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let number: i64 = whole.parse().ok()?;
    let sign = if text.starts_with('-') { -1 } else { 1 };
    fraction
        .chars()
        .all(|c| c == '0')
        .then(|| (sign * number).to_string())
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Text(_) | Value::Int(_) | Value::Float(_) => {
            match normalized(&value.to_string()).as_str() {
                "yes" | "1" => Some(true),
                "no" | "0" => Some(false),
                _ => None,
            }
        }
        _ => None,
    }
}

fn names(value: &Value) -> BTreeSet<String> {
    let listed: Vec<String> = match value {
        Value::None => Vec::new(),
        Value::List(values) => values.iter().map(Value::to_string).collect(),
        other => other.to_string().split(',').map(str::to_owned).collect(),
    };
    let names = listed.iter().map(|name| normalized(name));
    names.filter(|name| !name.is_empty()).collect()
}

fn f1(right: &BTreeSet<String>, found: &BTreeSet<String>) -> f64 {
    if right.is_empty() && found.is_empty() {
        return 1.0;
    }
    let common = right.intersection(found).count() as f64;
    2.0 * common / (right.len() + found.len()) as f64
}

fn best_box(value: &Value) -> Option<BBox> {
    match value {
        Value::Boxes(found) => found.in_image().first().map(|best| BBox::from(*best)),
        Value::View(view) => Some(view.region().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sdvp_core::{Image, Region};
    use sdvp_program::LocatedBoxes;

    fn right(gold: &Gold, value: Value) -> f64 {
        score::<()>(gold, Ok(&value))
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn word(text: &str) -> Gold {
        Gold::Text(text.to_owned())
    }

    fn named(names: &[&str]) -> Gold {
        Gold::Names(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn words_are_compared_without_case_articles_and_punctuation() {
        for (gold, found) in [
            ("dog", "The Dog."),
            ("men's shoe", "mens shoe"),
            ("t-shirt", "T shirt"),
            ("a", "A"),
            ("yes", "True"),
            ("red and white", " red  and white!"),
        ] {
            assert_eq!(right(&word(gold), text(found)), 1.0, "{gold} / {found}");
        }
        for (gold, found) in [("dog", "dogs"), ("the", "a"), ("red", ""), ("10", "1")] {
            assert_eq!(right(&word(gold), text(found)), 0.0, "{gold} / {found}");
        }
    }

    #[test]
    fn numbers_and_truth_values_answer_in_words() {
        assert_eq!(right(&word("3"), Value::Int(3)), 1.0);
        assert_eq!(right(&word("3"), Value::Float(3.0)), 1.0);
        assert_eq!(right(&word("3"), Value::Float(3.5)), 0.0);
        assert_eq!(right(&word("-3"), Value::Int(3)), 0.0);
        assert_eq!(right(&word("yes"), Value::Bool(true)), 1.0);
        assert_eq!(right(&word("no"), Value::Bool(true)), 0.0);
        assert_eq!(right(&word("3"), Value::None), 0.0);
    }

    #[test]
    fn statements_are_answered_in_several_ways() {
        for value in [
            Value::Bool(true),
            text("Yes"),
            text("true"),
            text("1"),
            Value::Int(1),
        ] {
            assert_eq!(right(&Gold::Bool(true), value.clone()), 1.0, "{value:?}");
            assert_eq!(right(&Gold::Bool(false), value.clone()), 0.0, "{value:?}");
        }
        for value in [
            Value::Int(2),
            text("dog"),
            Value::None,
            Value::List(Vec::new()),
        ] {
            assert_eq!(right(&Gold::Bool(true), value.clone()), 0.0, "{value:?}");
            assert_eq!(right(&Gold::Bool(false), value.clone()), 0.0, "{value:?}");
        }
    }

    #[test]
    fn names_are_scored_by_f1() {
        let gold = named(&["dog", "cat"]);
        assert_eq!(right(&gold, text("Cat, the dog, ")), 1.0);
        assert_eq!(right(&gold, text("dog, bus")), 0.5);
        // Precision 1/3, recall 1/2.
        assert_eq!(right(&gold, text("dog, bus, car")), 0.4);
        assert_eq!(
            right(&gold, Value::List(vec![text("dog"), text("cat")])),
            1.0
        );
        assert_eq!(right(&gold, text("")), 0.0);
        assert_eq!(right(&named(&[]), text(" , ")), 1.0);
        assert_eq!(right(&named(&[]), Value::None), 1.0);
        assert_eq!(right(&named(&[]), text("dog")), 0.0);
    }

    #[test]
    fn the_first_box_counts_in_the_coordinates_of_the_image() {
        let image = Image::new(image::RgbImage::new(40, 40)).unwrap();
        let region = |x0, y0, x1, y1| Region::new(x0, y0, x1, y1).unwrap();
        let view = image.view().crop(region(10, 10, 40, 40)).unwrap();
        let gold = Gold::Box(BBox::new(20.0, 20.0, 30.0, 30.0));
        let found = |boxes: Vec<Region>| {
            Value::Boxes(LocatedBoxes {
                view: view.clone(),
                boxes,
            })
        };
        let (exact, half) = (region(10, 10, 20, 20), region(10, 10, 15, 20));
        assert_eq!(right(&gold, found(vec![exact, half])), 1.0);
        assert_eq!(right(&gold, found(vec![half, exact])), 0.5);
        assert_eq!(right(&gold, found(Vec::new())), 0.0);
        assert_eq!(right(&gold, Value::View(view.crop(exact).unwrap())), 1.0);
        assert_eq!(right(&gold, text("[20, 20, 30, 30]")), 0.0);
    }

    #[test]
    fn punctuation_hides_no_number() {
        assert_eq!(normalized("00+"), "0");
        assert_eq!(normalized("the 07!"), "7");
    }

    #[test]
    fn a_failure_scores_nothing() {
        assert_eq!(score(&named(&[]), Err("no such variable")), 0.0);
    }

    proptest! {
        #[test]
        fn normalizing_twice_changes_nothing(answer in "[-+.0-9a-zA-Z' ,]{0,12}") {
            let once = normalized(&answer);
            prop_assert_eq!(normalized(&once), once);
        }

        #[test]
        fn an_answer_equals_itself(answer in "\\PC{0,12}") {
            prop_assert_eq!(right(&word(&answer), text(&answer)), 1.0);
        }
    }
}
