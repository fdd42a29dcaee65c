//! Takes an `EVAL` expression apart: code, words, quoted texts and variables in braces.

use super::syntax::{is_name_part, is_name_start};

/// A piece of an expression. `at` is its index in the text, in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Operators, numbers, blanks.
    Code { text: String, at: usize },
    /// A name or keyword that follows no dot.
    Word { text: String, at: usize },
    /// The quote that opens a text; `filled` if variables stand in it.
    Open {
        quote: char,
        at: usize,
        filled: bool,
    },
    /// Content of a quoted text, as written.
    Inside { text: String, at: usize },
    /// The quote that closes a text.
    Close {
        quote: char,
        at: usize,
        filled: bool,
    },
    /// `{NAME}`, with the quote of the text it stands in.
    Variable {
        name: String,
        quote: Option<char>,
        at: usize,
    },
}

/// A fault at an index of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
        }
    }
}

/// The parts of an expression, in order; together they are its text.
///
/// # Errors
/// If a text is not closed or has a prefix or three quotes, or braces do not hold a name.
pub(super) fn scan(text: &str) -> Result<Vec<Part>, Fault> {
    let chars: Vec<char> = text.chars().collect();
    let mut parts = Vec::new();
    let mut at = 0;
    let mut after_dot = false;
    while let Some(&c) = chars.get(at) {
        let start = at;
        match c {
            '\'' | '"' => at = quoted(&chars, at, &mut parts)?,
            '{' => {
                let Some((name, end)) = variable(&chars, at) else {
                    return Err(Fault::new(
                        at,
                        "expected a variable in braces, such as {ANSWER0}, found `{`",
                    ));
                };
                parts.push(Part::Variable {
                    name,
                    quote: None,
                    at,
                });
                at = end;
            }
            '}' => {
                return Err(Fault::new(
                    at,
                    "`}` closes nothing: there is no `{` before it",
                ));
            }
            _ if is_name_start(c) => {
                at = end_of(&chars, at, is_name_part);
                let text = chars[start..at].iter().collect();
                if matches!(chars.get(at), Some('\'' | '"')) && is_prefix(&chars[start..at]) {
                    return Err(Fault::new(
                        start,
                        format!("expected a plain quoted text, found one with the prefix `{text}`"),
                    ));
                }
                parts.push(if after_dot {
                    Part::Code { text, at: start }
                } else {
                    Part::Word { text, at: start }
                });
            }
            _ => {
                // Digits take their letters along: 1e5 holds no name.
                at = if c.is_ascii_digit() {
                    end_of(&chars, at, is_name_part)
                } else {
                    at + 1
                };
                let text: String = chars[start..at].iter().collect();
                push_code(&mut parts, text.replace(['\n', '\r'], " "), start);
            }
        }
        if !c.is_whitespace() {
            after_dot = c == '.';
        }
    }
    Ok(parts)
}

fn push_code(parts: &mut Vec<Part>, more: String, at: usize) {
    if let Some(Part::Code { text, .. }) = parts.last_mut() {
        text.push_str(&more);
    } else {
        parts.push(Part::Code { text: more, at });
    }
}

/// Whether a word before a quote makes it a raw, byte or formatted text.
fn is_prefix(word: &[char]) -> bool {
    word.len() <= 2
        && word
            .iter()
            .all(|c| matches!(c.to_ascii_lowercase(), 'r' | 'b' | 'f' | 'u' | 't'))
}

/// Index of the first character from `at` on that is no `part`.
fn end_of(chars: &[char], at: usize, part: impl Fn(char) -> bool) -> usize {
    let length = chars[at..].iter().take_while(|&&c| part(c)).count();
    at + length
}

/// The name in the braces that open at `at`, and the index after them.
fn variable(chars: &[char], at: usize) -> Option<(String, usize)> {
    let start = end_of(chars, at + 1, char::is_whitespace);
    let end = end_of(chars, start, is_name_part);
    let close = end_of(chars, end, char::is_whitespace);
    let name = &chars[start..end];
    (name.first().copied().is_some_and(is_name_start) && chars.get(close) == Some(&'}'))
        .then(|| (name.iter().collect(), close + 1))
}

/// Reads the text that opens at `open`; gives the index after it.
fn quoted(chars: &[char], open: usize, parts: &mut Vec<Part>) -> Result<usize, Fault> {
    let quote = chars[open];
    if chars[open..].starts_with(&[quote; 3]) {
        return Err(Fault::new(
            open,
            "expected a plain quoted text, found three quotes",
        ));
    }
    let opening = parts.len();
    parts.push(Part::Open {
        quote,
        at: open,
        filled: false,
    });
    let mut filled = false;
    let mut content = String::new();
    let mut content_at = open + 1;
    let mut at = open + 1;
    let flush = |parts: &mut Vec<Part>, text: &mut String, at: usize| {
        if !text.is_empty() {
            let text = std::mem::take(text);
            parts.push(Part::Inside { text, at });
        }
    };
    while let Some(&c) = chars.get(at) {
        if c == quote {
            flush(parts, &mut content, content_at);
            parts.push(Part::Close { quote, at, filled });
            parts[opening] = Part::Open {
                quote,
                at: open,
                filled,
            };
            return Ok(at + 1);
        }
        if c == '{'
            && let Some((name, end)) = variable(chars, at)
        {
            flush(parts, &mut content, content_at);
            let quote = Some(quote);
            parts.push(Part::Variable { name, quote, at });
            filled = true;
            at = end;
            content_at = end;
            continue;
        }
        match c {
            '\n' => content.push_str("\\n"),
            '\r' => content.push_str("\\r"),
            _ => content.push(c),
        }
        at += 1;
        if c == '\\'
            && let Some(&next) = chars.get(at)
        {
            content.push(next);
            at += 1;
        }
    }
    Err(Fault::new(
        open,
        format!("expected a closing {quote}, found the end of the expression"),
    ))
}
