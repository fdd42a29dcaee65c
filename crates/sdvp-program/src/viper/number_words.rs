//! Numbers in words, and numbers in texts: what `coerce_to_numeric` and `exists("number 7")` read.

/// A number that a program gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = [
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const LARGE: [(&str, i64); 4] = [
    ("hundred", 100),
    ("thousand", 1_000),
    ("million", 1_000_000),
    ("billion", 1_000_000_000),
];

enum Word {
    Adds(i64),
    Multiplies(i64),
}

fn word(text: &str) -> Option<Word> {
    if let Some(value) = SMALL.iter().position(|&word| word == text) {
        return Some(Word::Adds(value as i64));
    }
    if let Some(tens) = TENS.iter().position(|&word| word == text) {
        return Some(Word::Adds(10 * (tens as i64 + 2)));
    }
    LARGE
        .iter()
        .find(|(word, _)| *word == text)
        .map(|&(_, value)| Word::Multiplies(value))
}

/// The number that a text says in words or digits, as the reference's `word_to_num` (PyPI's
/// `word2number`) reads it: words that are no numbers are passed over. `None` without a number.
pub(super) fn number_in_words(text: &str) -> Option<Number> {
    let text = text.trim().to_lowercase().replace('-', " ");
    if let Ok(value) = text.parse::<i64>() {
        return Some(Number::Int(value));
    }
    let (before, after) = match text.split_once(" point ") {
        Some((before, after)) => (before, Some(after)),
        None => (text.as_str(), None),
    };
    let mut total: i64 = 0;
    let mut group: Option<i64> = None;
    let mut any = false;
    for text in before.split_whitespace() {
        match word(text) {
            Some(Word::Adds(value)) => group = Some(group.unwrap_or(0).checked_add(value)?),
            Some(Word::Multiplies(100)) => group = Some(group.unwrap_or(1).checked_mul(100)?),
            Some(Word::Multiplies(value)) => {
                let group = group.take().unwrap_or(1);
                total = total.checked_add(group.checked_mul(value)?)?;
            }
            None => continue,
        }
        any = true;
    }
    if !any {
        return None;
    }
    let whole = total.checked_add(group.unwrap_or(0))?;
    let Some(after) = after else {
        return Some(Number::Int(whole));
    };
    let digits: String = after
        .split_whitespace()
        .filter_map(|text| SMALL.iter().take(10).position(|&word| word == text))
        .map(|digit| digit.to_string())
        .collect();
    format!("{whole}.{digits}0").parse().ok().map(Number::Float)
}

/// `coerce_to_numeric`: a number in words; else what the digits of the text are, with everything
/// else left out; of a range (`10-15`) its start. `None` if that is no number.
pub(super) fn number_in_text(text: &str) -> Option<Number> {
    if let Some(number) = number_in_words(text) {
        return Some(number);
    }
    let kept: String = text
        .chars()
        .filter(|c| c.is_ascii_digit() || matches!(c, '.' | '-'))
        .collect();
    // A dash in front is a sign; one behind a digit parts a range.
    let end = kept
        .char_indices()
        .skip(1)
        .find_map(|(at, c)| (c == '-').then_some(at))
        .unwrap_or(kept.len());
    let number = kept.get(..end)?;
    if let Ok(value) = number.parse::<i64>() {
        return Some(Number::Int(value));
    }
    number.parse::<f64>().ok().map(Number::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        for (text, value) in [
            ("zero", 0),
            ("seventeen", 17),
            ("Forty-two", 42),
            ("one hundred and three", 103),
            ("hundred", 100),
            ("two million three thousand nineteen", 2_003_019),
            ("12", 12),
            ("there are three dogs", 3),
        ] {
            assert_eq!(number_in_words(text), Some(Number::Int(value)), "{text}");
        }
        assert_eq!(number_in_words("two point five"), Some(Number::Float(2.5)));
        assert_eq!(number_in_words("a dog"), None);
        assert_eq!(number_in_words(""), None);
        assert_eq!(
            number_in_words(&"billion ".repeat(50)),
            Some(Number::Int(50_000_000_000))
        );
    }

    #[test]
    fn numbers_in_texts() {
        for (text, number) in [
            ("about 25 years", Number::Int(25)),
            ("$1,250.50", Number::Float(1250.5)),
            ("10-15", Number::Int(10)),
            ("-3", Number::Int(-3)),
            ("-3-4", Number::Int(-3)),
            ("three", Number::Int(3)),
        ] {
            assert_eq!(number_in_text(text), Some(number), "{text}");
        }
        for text in ["nothing", "", "-", "1.2.3", "--"] {
            assert_eq!(number_in_text(text), None, "{text}");
        }
    }
}
