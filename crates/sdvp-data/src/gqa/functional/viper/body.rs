//! Lines of a function, and its variables.

use crate::viper_code::untaken;
use std::collections::BTreeSet;

/// A function's body, without its indentation.
#[derive(Default)]
pub(super) struct Body {
    lines: Vec<String>,
    /// Variables that are taken.
    names: BTreeSet<String>,
}

impl Body {
    pub(super) fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Sets a new variable, named after some words.
    pub(super) fn set(&mut self, words: &str, value: &str) -> String {
        let name = self.variable(words);
        self.line(format!("{name} = {value}"));
        name
    }

    /// A variable that is not taken, after some words.
    fn variable(&mut self, words: &str) -> String {
        let mut plain = String::new();
        for word in words.split(|c: char| !c.is_ascii_alphanumeric()) {
            if !(plain.is_empty() || word.is_empty()) {
                plain.push('_');
            }
            plain.push_str(&word.to_ascii_lowercase());
        }
        // Single words may be Python's or the program's own.
        if !plain.starts_with(|c: char| c.is_ascii_alphabetic()) || RESERVED.contains(&&*plain) {
            plain = format!("the_{plain}");
        }
        untaken(&plain, &mut self.names)
    }
}

/// Words that a variable would hide or that are none.
const RESERVED: [&str; 16] = [
    "image",
    "image_dict",
    "image_patch",
    "left_patch",
    "right_patch",
    "patch",
    "value",
    "as",
    "is",
    "class",
    "pass",
    "globals",
    "locals",
    "vars",
    "all",
    "len",
];

/// A text as Python says it, in the quotes that it does not use.
pub(super) fn python(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut code = String::from(quote);
    for c in text.chars() {
        match c {
            // Three of them would look like a fence around the program.
            '`' => code.push_str("\\x60"),
            '\\' => code.push_str("\\\\"),
            _ if c == quote => {
                code.push('\\');
                code.push(c);
            }
            _ => code.push(c),
        }
    }
    code.push(quote);
    code
}
