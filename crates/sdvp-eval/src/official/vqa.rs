//! How the VQA evaluation rewrites answers before it compares them.

use super::is_space;
use std::collections::HashMap;
use std::sync::LazyLock;

const PUNCTUATION: [char; 21] = [
    ';', '/', '[', ']', '"', '{', '}', '(', ')', '=', '+', '\\', '_', '-', '>', '<', '@', '`', ',',
    '?', '!',
];

/// At most so many full stops are taken out: the script hands a flag to the parameter that counts.
const MOST_STOPS: usize = 32;

/// A word that is one of these but for one apostrophe is written so.
const CONTRACTIONS: &str = "'ow's'at 'twas ain't aren't can't could've couldn't couldn't've didn't \
    doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's how'd how'll how's isn't it'd \
    it'd've it'll ma'am might've mightn't mightn't've must've mustn't needn't not've o'clock oughtn't \
    shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd \
    someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've \
    there're there's they'd they'd've they'll they're they've wasn't we'd've we've weren't what'll \
    what're what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll \
    why're why's won't would've wouldn't wouldn't've y'all y'all'd've y'all'll you'd you'd've you'll \
    you're you've";

static WITHOUT_APOSTROPHE: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for right in CONTRACTIONS.split_whitespace() {
        for (at, _) in right.match_indices('\'') {
            known.insert(format!("{}{}", &right[..at], &right[at + 1..]), right);
        }
    }
    // The script's table has this one the wrong way round.
    known.insert("somebody'd".to_owned(), "somebodyd");
    known
});

/// An answer as the VQA evaluation compares it (Antol et al. 2015): punctuation taken out or made a
/// space, lower-case, number words up to ten as digits, without articles, contractions with their
/// apostrophes. To be applied to both sides. Digits are those of ASCII.
pub fn vqa_normalized(answer: &str) -> String {
    let answer = answer.replace(['\n', '\t'], " ");
    let answer = without_punctuation(answer.trim_matches(is_space));
    let words = answer.to_lowercase();
    let words: Vec<&str> = words
        .split(is_space)
        .filter(|word| !word.is_empty())
        .map(digits)
        .filter(|word| !matches!(*word, "a" | "an" | "the"))
        .map(|word| WITHOUT_APOSTROPHE.get(word).copied().unwrap_or(word))
        .collect();
    words.join(" ")
}

fn without_punctuation(text: &str) -> String {
    let bytes = text.as_bytes();
    let number = bytes
        .windows(3)
        .any(|three| three[0].is_ascii_digit() && three[1] == b',' && three[2].is_ascii_digit());
    let mut plain = text.to_owned();
    for mark in PUNCTUATION {
        // At the end of a word, or where a number has a comma, a mark goes; else it parts words.
        let beside = text.contains(&format!("{mark} ")) || text.contains(&format!(" {mark}"));
        plain = plain.replace(mark, if beside || number { "" } else { " " });
    }
    let (mut without, mut stops) = (String::with_capacity(plain.len()), 0);
    let mut letters = plain.chars().peekable();
    while let Some(letter) = letters.next() {
        let digit_follows = letters.peek().is_some_and(char::is_ascii_digit);
        if letter == '.' && !digit_follows && stops < MOST_STOPS {
            stops += 1;
        } else {
            without.push(letter);
        }
    }
    without
}

fn digits(word: &str) -> &str {
    match word {
        "none" | "zero" => "0",
        "one" => "1",
        "two" => "2",
        "three" => "3",
        "four" => "4",
        "five" => "5",
        "six" => "6",
        "seven" => "7",
        "eight" => "8",
        "nine" => "9",
        "ten" => "10",
        other => other,
    }
}
