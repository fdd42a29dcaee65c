//! Programs that are being written: which byte may come next.
//!
//! A [`Prefix`] takes a program byte by byte, in its plain spelling and no other, and refuses what
//! could not become a program that [`check`](super::check) accepts: whoever writes only what it
//! takes until it is [complete](Prefix::is_complete) has written one. It takes a part of the
//! dialect: variables in capitals, each set once; texts in either quotes; a part of the expressions;
//! and as its last line `FINAL_ANSWER=RESULT(var=…)` (or `FINAL_RESULT`) over what a line has set.
//! Lines, names, texts and expressions are bounded, and it can always be [finished](Prefix::finish).

mod expression;
mod names;
mod text;

use super::steps::{Kind, SIGNATURES, Signature, Takes, Type};
use expression::Expression;
use names::{MAX_NAME, Variable, Wanted, Word, extended, is_set, shortest};
use std::sync::Arc;
use text::{Step, Text};

/// Greatest number of lines before the last.
const MAX_LINES: u8 = 40;

/// Greatest number of pictures.
const MAX_PICTURES: usize = 64;

/// What a program's value is called. No other variable has these names.
const RESULTS: [&str; 2] = ["FINAL_ANSWER", "FINAL_RESULT"];

/// The steps, in the order in which one is chosen to finish a line that was begun.
const SHORT: [&str; 5] = ["RESULT", "VQA", "COUNT", "LOC", "EVAL"];

/// Why no program can be written over these pictures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PicturesError {
    /// There are none, or too many.
    #[error("a program starts from 1 to {MAX_PICTURES} pictures, found {found}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// A name cannot be written in a program.
    #[error(
        "a picture's name is a letter or `_` and then letters, digits and `_`, at most {MAX_NAME}, and no word of the language; found `{name}`"
    )]
    Name {
        /// The name.
        name: String,
    },
}

/// A byte that cannot come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no program goes on with the byte {byte:#04x} here")]
pub struct Refused {
    /// The byte.
    pub byte: u8,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the name of what the line sets.
    Variable,
    /// In the step's name.
    Step,
    /// Behind so many bytes of an argument's name.
    Label(u8),
    /// In the name of an argument's variable.
    Reference(Wanted),
    /// Before the quote of an argument's text.
    Quote,
    Text(Text),
    Expression(Expression),
    /// Behind an argument's text.
    Closed,
    /// Behind the closing parenthesis.
    LineEnd,
    Complete,
}

/// The beginning of a VisProg program. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Prefix {
    variables: Arc<Vec<Variable>>,
    lines: u8,
    place: Place,
    /// The name being written.
    word: Word,
    /// What the line sets.
    name: Word,
    /// The line's step, once its name is written.
    signature: &'static Signature,
    argument: u8,
}

impl Prefix {
    /// No program needs more bytes than these to be finished.
    pub const LONGEST_FINISH: usize = 256;

    /// Nothing written yet of a program over pictures of these names.
    ///
    /// # Errors
    /// If there is no picture, or one has a name that cannot be written.
    pub fn new(pictures: &[String]) -> Result<Self, PicturesError> {
        if pictures.is_empty() || pictures.len() > MAX_PICTURES {
            return Err(PicturesError::Count {
                found: pictures.len(),
            });
        }
        let variables = pictures
            .iter()
            .map(|name| {
                let spelled = name
                    .bytes()
                    .enumerate()
                    .all(|(at, byte)| is_name_byte(byte, at > 0));
                let taken =
                    expression::WORDS.contains(&name.as_str()) || RESULTS.contains(&name.as_str());
                Word::new(name)
                    .filter(|_| spelled && !taken && !name.is_empty())
                    .map(|name| Variable {
                        name,
                        holds: Type::Image,
                        given: true,
                    })
                    .ok_or_else(|| PicturesError::Name {
                        name: name.chars().take(2 * MAX_NAME).collect(),
                    })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let [signature, ..] = &SIGNATURES;
        Ok(Self {
            variables: Arc::new(variables),
            lines: 0,
            place: Place::Variable,
            word: Word::EMPTY,
            name: Word::EMPTY,
            signature,
            argument: 0,
        })
    }

    /// Takes the next byte; stays as it is if it refuses it.
    ///
    /// # Errors
    /// If no program goes on so.
    pub fn advance(&mut self, byte: u8) -> Result<(), Refused> {
        self.step(byte).ok_or(Refused { byte })
    }

    /// Whether these bytes may come next.
    pub fn allows(&self, bytes: &[u8]) -> bool {
        let mut after = self.clone();
        bytes.iter().all(|&byte| after.step(byte).is_some())
    }

    /// Whether it is a whole program. Nothing may follow one.
    pub fn is_complete(&self) -> bool {
        matches!(self.place, Place::Complete)
    }

    /// A short end of the program: with these bytes it is complete.
    pub fn finish(&self) -> Vec<u8> {
        let mut rest = self.clone();
        let mut bytes = Vec::new();
        while !rest.is_complete() && bytes.len() < Self::LONGEST_FINISH {
            let byte = rest.finishing();
            if rest.step(byte).is_none() {
                break;
            }
            bytes.push(byte);
        }
        bytes
    }

    /// So many bytes may come next, whatever they are, if they are whole characters of UTF-8 and
    /// neither quotes nor backslashes nor control characters; each way to go on so is
    /// [finished](Self::finish) alike.
    pub fn free_text(&self) -> usize {
        match self.place {
            Place::Text(text) => text.room(),
            _ => 0,
        }
    }

    fn step(&mut self, byte: u8) -> Option<()> {
        match &mut self.place {
            Place::Variable if byte == b'=' => {
                self.nameable().then_some(())?;
                self.name = self.word;
                self.begin(Place::Step);
            }
            Place::Variable => self.word = self.longer_name(byte)?,
            Place::Step if byte == b'(' => {
                let word = self.word;
                let signature = self
                    .steps()
                    .find(|known| known.name.as_bytes() == word.as_bytes())?;
                self.signature = signature;
                self.argument = 0;
                self.begin(Place::Label(0));
            }
            Place::Step => {
                let longer = self.word.with(byte)?;
                self.steps().find(|known| starts(known.name, &longer))?;
                self.word = longer;
            }
            Place::Label(at) => {
                let (label, takes) = self.signature.arguments.get(usize::from(self.argument))?;
                match label.as_bytes().get(usize::from(*at)) {
                    Some(&next) if next == byte => *at += 1,
                    None if byte == b'=' => {
                        let place = Wanted::by(*takes).map_or(Place::Quote, Place::Reference);
                        self.begin(place);
                    }
                    _ => return None,
                }
            }
            Place::Reference(wanted) => {
                let wanted = *wanted;
                if byte == self.separator() && is_set(&self.variables, &self.word, wanted) {
                    self.next_argument();
                } else {
                    self.word = extended(&self.variables, &self.word, byte, wanted)?;
                }
            }
            Place::Quote => {
                matches!(byte, b'\'' | b'"').then_some(())?;
                self.place = match self.signature.kind {
                    Kind::Evaluate => Place::Expression(Expression::new(byte)),
                    _ => Place::Text(Text::new(byte)),
                };
            }
            Place::Text(text) => {
                if text.advance(byte)? == Step::Closed {
                    self.place = Place::Closed;
                }
            }
            Place::Expression(expression) => {
                if expression.advance(byte, &mut self.word, &self.variables)? == Step::Closed {
                    self.place = Place::Closed;
                }
            }
            Place::Closed => {
                (byte == self.separator()).then_some(())?;
                self.next_argument();
            }
            Place::LineEnd => {
                (byte == b'\n').then_some(())?;
                Arc::make_mut(&mut self.variables).push(Variable {
                    name: self.name,
                    holds: self.signature.gives,
                    given: false,
                });
                self.lines += 1;
                self.begin(Place::Variable);
            }
            Place::Complete => return None,
        }
        Some(())
    }

    fn begin(&mut self, place: Place) {
        self.word = Word::EMPTY;
        self.place = place;
    }

    fn is_last_argument(&self) -> bool {
        usize::from(self.argument) + 1 >= self.signature.arguments.len()
    }

    fn separator(&self) -> u8 {
        if self.is_last_argument() { b')' } else { b',' }
    }

    fn next_argument(&mut self) {
        self.place = match self.signature.kind {
            _ if !self.is_last_argument() => {
                self.argument += 1;
                Place::Label(0)
            }
            Kind::Result => Place::Complete,
            _ => Place::LineEnd,
        };
    }

    /// The steps that the line can be, by its name and by what there is to give them.
    fn steps(&self) -> impl Iterator<Item = &'static Signature> {
        let ends = is_result(&self.name);
        SIGNATURES.iter().filter(move |signature| {
            let fed = signature.arguments.iter().all(|(_, takes)| match takes {
                Takes::Text if signature.kind == Kind::Evaluate => self.has(Wanted::Scalar),
                takes => Wanted::by(*takes).is_none_or(|wanted| self.has(wanted)),
            });
            (signature.kind == Kind::Result) == ends && fed
        })
    }

    fn has(&self, wanted: Wanted) -> bool {
        shortest(&self.variables, &Word::EMPTY, wanted).is_some()
    }

    fn is_taken(&self, name: &Word) -> bool {
        self.variables.iter().any(|variable| variable.name == *name)
    }

    /// Whether a line can set what is written.
    fn nameable(&self) -> bool {
        if is_result(&self.word) {
            return self.has(Wanted::Computed);
        }
        self.word.length() > 0 && self.lines < MAX_LINES && !self.is_taken(&self.word)
    }

    /// The variable's name with one more byte, if a line could set what comes of it.
    fn longer_name(&self, byte: u8) -> Option<Word> {
        let capital = !byte.is_ascii_lowercase();
        let first = self.word.length() == 0;
        if !capital || !is_name_byte(byte, !first) || (first && byte == b'_') {
            return None;
        }
        let longer = self.word.with(byte)?;
        let result = RESULTS.iter().any(|result| starts(result, &longer));
        // The longest names cannot get away from one that is taken.
        let free = longer.length() < MAX_NAME || !self.is_taken(&longer);
        (result || (self.lines < MAX_LINES && free)).then_some(longer)
    }

    /// The next byte on a short way to the end.
    fn finishing(&self) -> u8 {
        match &self.place {
            Place::Variable => self.finishing_name(),
            Place::Step => {
                let preferred = |known: &&Signature| {
                    let rank = SHORT.iter().position(|short| *short == known.name);
                    rank.unwrap_or(SHORT.len())
                };
                self.steps()
                    .filter(|known| starts(known.name, &self.word))
                    .min_by_key(preferred)
                    .and_then(|known| known.name.as_bytes().get(self.word.length()).copied())
                    .unwrap_or(b'(')
            }
            Place::Label(at) => self
                .signature
                .arguments
                .get(usize::from(self.argument))
                .and_then(|(label, _)| label.as_bytes().get(usize::from(*at)).copied())
                .unwrap_or(b'='),
            Place::Reference(wanted) => shortest(&self.variables, &self.word, *wanted)
                .and_then(|name| name.as_bytes().get(self.word.length()).copied())
                .unwrap_or_else(|| self.separator()),
            Place::Quote => b'\'',
            Place::Text(text) => text.finishing(),
            Place::Expression(expression) => expression.finishing(&self.word, &self.variables),
            Place::Closed => self.separator(),
            Place::LineEnd | Place::Complete => b'\n',
        }
    }

    fn finishing_name(&self) -> u8 {
        if self.has(Wanted::Computed)
            && let Some(result) = RESULTS.iter().find(|result| starts(result, &self.word))
        {
            return result
                .as_bytes()
                .get(self.word.length())
                .copied()
                .unwrap_or(b'=');
        }
        if self.nameable() {
            return b'=';
        }
        (b'A'..=b'Z')
            .chain(b'0'..=b'9')
            .chain([b'_'])
            .find(|&byte| {
                self.longer_name(byte)
                    .is_some_and(|longer| !self.is_taken(&longer))
            })
            .unwrap_or(b'A')
    }
}

fn starts(known: &str, word: &Word) -> bool {
    known.as_bytes().starts_with(word.as_bytes())
}

fn is_result(name: &Word) -> bool {
    RESULTS
        .iter()
        .any(|result| result.as_bytes() == name.as_bytes())
}

fn is_name_byte(byte: u8, digits: bool) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic() || (digits && byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
