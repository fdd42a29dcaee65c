//! The form of a statement: `VARIABLE=STEP(argument=value, …)`.

use super::lines::StatementLine;
use super::quoted::Quoted;
use crate::ProgramError;

/// A name with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    /// Column in the line, from 1.
    pub(super) column: usize,
}

/// What an argument was given.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    /// A bare word, normally a variable.
    Name(String),
    /// Text in quotes.
    Text(Quoted),
    /// A number, as written.
    Number(String),
}

impl Given {
    /// For errors.
    pub(super) fn describe(&self) -> String {
        match self {
            Given::Name(name) => format!("the name `{name}`"),
            Given::Text(text) => format!("the text '{}'", abridged(&text.text)),
            Given::Number(number) => format!("the number {number}"),
        }
    }
}

/// `name=value`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Argument {
    pub(super) name: Name,
    pub(super) value: Given,
    /// Column of the value.
    pub(super) column: usize,
}

/// `VARIABLE=STEP(`, the part that can be read without knowing the step.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) variable: Name,
    pub(super) step: Name,
}

/// Text in an error, at most 40 characters of it.
pub(super) fn abridged(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(super) fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

pub(super) fn is_name_part(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Reads a statement from left to right.
pub(super) struct Cursor {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
    line: usize,
    /// Column of `chars[0]`.
    column: usize,
}

impl Cursor {
    pub(super) fn new(line: StatementLine<'_>) -> Self {
        Self {
            chars: line.text.chars().collect(),
            at: 0,
            line: line.number,
            column: line.column,
        }
    }

    pub(super) fn column(&self) -> usize {
        self.column + self.at
    }

    pub(super) fn error(&self, column: usize, message: impl Into<String>) -> ProgramError {
        ProgramError::new(self.line, column, message)
    }

    fn expected(&self, what: &str) -> ProgramError {
        self.error(
            self.column(),
            format!("expected {what}, found {}", self.found()),
        )
    }

    /// What stands at the cursor, for errors.
    fn found(&self) -> String {
        match self.peek() {
            None => "the end of the line".to_owned(),
            Some(c) if is_name_part(c) => {
                let word: String = self.chars[self.at..]
                    .iter()
                    .take_while(|&&c| is_name_part(c))
                    .collect();
                format!("`{}`", abridged(&word))
            }
            Some(c) => format!("`{c}`"),
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Moves over `wanted` and the blanks around it, if it is next.
    fn take(&mut self, wanted: char) -> bool {
        self.blanks();
        let found = self.peek() == Some(wanted);
        if found {
            self.at += 1;
            self.blanks();
        }
        found
    }

    fn word(&mut self) -> Option<Name> {
        let column = self.column();
        if !self.peek().is_some_and(is_name_start) {
            return None;
        }
        let start = self.at;
        while self.peek().is_some_and(is_name_part) {
            self.at += 1;
        }
        Some(Name {
            text: self.chars[start..self.at].iter().collect(),
            column,
        })
    }

    /// Reads `VARIABLE=STEP(`. Where it fails, gives what was read of the variable, so that
    /// later uses of it are not reported too.
    pub(super) fn head(&mut self) -> Result<Head, (ProgramError, Option<Name>)> {
        let Some(variable) = self.word() else {
            return Err((self.expected("a statement `VARIABLE=STEP(…)`"), None));
        };
        if !self.take('=') {
            let error = self.expected(&format!("`=` after `{}`", abridged(&variable.text)));
            return Err((error, None));
        }
        let Some(step) = self.word() else {
            return Err((self.expected("a step such as `LOC`"), Some(variable)));
        };
        if !self.take('(') {
            let error = self.expected(&format!("`(` after `{}`", abridged(&step.text)));
            return Err((error, Some(variable)));
        }
        Ok(Head { variable, step })
    }

    /// Reads the arguments, the closing parenthesis and what may follow it.
    pub(super) fn arguments(&mut self) -> Result<Vec<Argument>, ProgramError> {
        let mut arguments = Vec::new();
        loop {
            if self.take(')') {
                break;
            }
            arguments.push(self.argument()?);
            if self.take(',') {
                continue;
            }
            if self.take(')') {
                break;
            }
            let hint = match arguments.last().map(|argument| &argument.value) {
                Some(Given::Name(_)) => " (text goes in quotes)",
                _ => "",
            };
            return Err(self.expected(&format!("`,` or `)`{hint}")));
        }
        while self.take(';') {}
        match self.peek() {
            None | Some('#') => Ok(arguments),
            Some(_) => Err(self.expected("the end of the line after `)`")),
        }
    }

    fn argument(&mut self) -> Result<Argument, ProgramError> {
        let Some(name) = self.word() else {
            return Err(self.expected("an argument `name=value`"));
        };
        if !self.take('=') {
            return Err(self.expected(&format!(
                "`=` after the argument's name `{}`",
                abridged(&name.text)
            )));
        }
        let column = self.column();
        let value = match self.peek() {
            Some('\'' | '"') => Given::Text(self.quoted()?),
            Some(c) if is_name_start(c) => match self.word() {
                Some(word) => Given::Name(word.text),
                None => return Err(self.expected("a name")),
            },
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => {
                Given::Number(self.number()?)
            }
            _ => return Err(self.expected("a variable, text in quotes or a number")),
        };
        Ok(Argument {
            name,
            value,
            column,
        })
    }

    fn number(&mut self) -> Result<String, ProgramError> {
        let column = self.column();
        let start = self.at;
        while let Some(c) = self.peek() {
            let exponent = self.at > start && matches!(self.chars[self.at - 1], 'e' | 'E');
            let sign = matches!(c, '-' | '+') && (self.at == start || exponent);
            if !(sign || c == '.' || is_name_part(c)) {
                break;
            }
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().collect();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(text),
            _ => Err(self.error(
                column,
                format!("expected a number, found `{}`", abridged(&text)),
            )),
        }
    }
}
