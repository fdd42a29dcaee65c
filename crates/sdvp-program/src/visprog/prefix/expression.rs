//! An `EVAL` expression that is being written.
//!
//! A part of what Python takes, always with one blank around an operator: variables in braces,
//! numbers, `True` and `False`, texts in the other quotes (with variables in them), parentheses,
//! `not`, the operators below, and one `… if … else …` around it all.

use super::names::{Variable, Wanted, Word, extended, is_set, shortest};
use super::text::Step;

/// No operator is begun behind so many bytes.
const MAX_LENGTH: u16 = 400;
const MAX_DEPTH: u8 = 4;
const MAX_INSIDE: u8 = 60;
const MAX_DIGITS: u8 = 6;

/// Operators between two values. The first that fits is taken to end an expression.
const OPERATORS: [&str; 12] = [
    "==", "!=", ">=", "<=", ">", "<", "+", "-", "or", "and", "in", "xor",
];

/// The words that stand outside quotes: no variable may be called so.
pub(super) const WORDS: [&str; 9] = [
    "if", "else", "and", "or", "not", "in", "xor", "True", "False",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conditional {
    None,
    /// `else` has to come.
    If,
    Else,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// Before a value; `not` only where Python's grammar has it: not behind a comparison.
    Value {
        negatable: bool,
    },
    /// The rest of `not `, `True` or `False`.
    Rest(&'static [u8], Then),
    /// In a number's whole part, which is `0` or starts with another digit.
    Whole {
        zero: bool,
        digits: u8,
    },
    Fraction(u8),
    /// In the braces of a variable; in a text with so many bytes before it, or outside.
    Variable(Option<u8>),
    /// In a text, behind so many bytes.
    Inside(u8),
    After,
    Operator,
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Value,
    After,
}

/// An expression whose opening quote has been written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expression {
    quote: u8,
    length: u16,
    depth: u8,
    conditional: Conditional,
    place: Place,
}

impl Expression {
    pub(super) fn new(quote: u8) -> Self {
        Self {
            quote,
            length: 0,
            depth: 0,
            conditional: Conditional::None,
            place: Place::Value { negatable: true },
        }
    }

    /// Nothing if the byte cannot come next. `word` is the name or operator being written.
    pub(super) fn advance(
        &mut self,
        byte: u8,
        word: &mut Word,
        variables: &[Variable],
    ) -> Option<Step> {
        let place = match self.place {
            Place::Value { negatable } => self.value(byte, negatable, word)?,
            Place::Rest(rest, then) => match (rest.split_first()?, then) {
                ((&next, _), _) if next != byte => return None,
                ((_, []), Then::Value) => Place::Value { negatable: false },
                ((_, []), Then::After) => Place::After,
                ((_, rest), then) => Place::Rest(rest, then),
            },
            Place::Whole { zero, digits } => match byte {
                b'0'..=b'9' if !zero && digits < MAX_DIGITS => Place::Whole {
                    zero,
                    digits: digits + 1,
                },
                b'.' => Place::Fraction(0),
                _ => return self.after(byte, word),
            },
            Place::Fraction(digits) => match byte {
                b'0'..=b'9' if digits < MAX_DIGITS => Place::Fraction(digits + 1),
                _ if digits == 0 => return None,
                _ => return self.after(byte, word),
            },
            Place::Variable(inside) => {
                if byte == b'}' && is_set(variables, word, Wanted::Scalar) {
                    inside.map_or(Place::After, |before| Place::Inside(before + 1))
                } else {
                    *word = extended(variables, word, byte, Wanted::Scalar)?;
                    Place::Variable(inside)
                }
            }
            Place::Inside(before) => match byte {
                _ if byte == self.inner() => {
                    if before == 0 {
                        return None;
                    }
                    Place::After
                }
                _ if before >= MAX_INSIDE => return None,
                b'{' => {
                    *word = Word::EMPTY;
                    Place::Variable(Some(before))
                }
                b'\'' | b'"' | b'\\' | b'}' => return None,
                b' '..=b'~' => Place::Inside(before + 1),
                _ => return None,
            },
            Place::After => return self.after(byte, word),
            Place::Operator if byte == b' ' => {
                let written = self
                    .operators(self.begun(word))
                    .find(|known| is(known, word))?;
                match written {
                    "if" => self.conditional = Conditional::If,
                    "else" => self.conditional = Conditional::Else,
                    _ => {}
                }
                Place::Value {
                    negatable: matches!(written, "and" | "or" | "if" | "else"),
                }
            }
            Place::Operator => {
                let longer = word.with(byte)?;
                self.operators(self.begun(word))
                    .find(|known| starts(known, &longer))?;
                *word = longer;
                Place::Operator
            }
        };
        self.moved(place)
    }

    fn moved(&mut self, place: Place) -> Option<Step> {
        self.place = place;
        self.length += 1;
        Some(Step::Inside)
    }

    fn value(&mut self, byte: u8, negatable: bool, word: &mut Word) -> Option<Place> {
        Some(match byte {
            b'{' => {
                *word = Word::EMPTY;
                Place::Variable(None)
            }
            b'0'..=b'9' => Place::Whole {
                zero: byte == b'0',
                digits: 1,
            },
            b'(' if self.depth < MAX_DEPTH => {
                self.depth += 1;
                Place::Value { negatable: true }
            }
            b'n' if negatable => Place::Rest(b"ot ", Then::Value),
            b'T' => Place::Rest(b"rue", Then::After),
            b'F' => Place::Rest(b"alse", Then::After),
            _ if byte == self.inner() => Place::Inside(0),
            _ => return None,
        })
    }

    fn after(&mut self, byte: u8, word: &mut Word) -> Option<Step> {
        match byte {
            b' ' => {
                self.operators(self.length).next()?;
                *word = Word::EMPTY;
                self.moved(Place::Operator)
            }
            b')' if self.depth > 0 => {
                self.depth -= 1;
                self.moved(Place::After)
            }
            _ if byte == self.quote && self.depth == 0 && self.conditional != Conditional::If => {
                Some(Step::Closed)
            }
            _ => None,
        }
    }

    /// Behind how many bytes the blank stands before the operator being written.
    fn begun(&self, word: &Word) -> u16 {
        let written = u16::try_from(word.length()).unwrap_or(u16::MAX);
        self.length.saturating_sub(written.saturating_add(1))
    }

    /// What may come next where an operator may, behind so many bytes; first what ends the
    /// expression soonest.
    fn operators(&self, behind: u16) -> impl Iterator<Item = &'static str> + use<> {
        let outer = self.depth == 0;
        let short = behind < MAX_LENGTH;
        let go_on = (outer && self.conditional == Conditional::If).then_some("else");
        let begin = (outer && short && self.conditional == Conditional::None).then_some("if");
        go_on
            .into_iter()
            .chain(OPERATORS.into_iter().filter(move |_| short))
            .chain(begin)
    }

    /// The quote of texts within.
    fn inner(&self) -> u8 {
        if self.quote == b'\'' { b'"' } else { b'\'' }
    }

    /// The next byte on a short way to the closing quote, and that quote itself.
    pub(super) fn finishing(&self, word: &Word, variables: &[Variable]) -> u8 {
        let after = match () {
            () if self.depth > 0 => b')',
            () if self.conditional == Conditional::If => b' ',
            () => self.quote,
        };
        match self.place {
            Place::Value { .. } => b'{',
            Place::Rest(rest, _) => rest.first().copied().unwrap_or(b' '),
            Place::Fraction(0) => b'0',
            Place::Whole { .. } | Place::Fraction(_) | Place::After => after,
            Place::Variable(_) => shortest(variables, word, Wanted::Scalar)
                .and_then(|name| name.as_bytes().get(word.length()).copied())
                .unwrap_or(b'}'),
            Place::Inside(0) => b'a',
            Place::Inside(_) => self.inner(),
            Place::Operator => self
                .operators(self.begun(word))
                .find(|known| starts(known, word))
                .and_then(|known| known.as_bytes().get(word.length()).copied())
                .unwrap_or(b' '),
        }
    }
}

fn is(known: &str, word: &Word) -> bool {
    known.as_bytes() == word.as_bytes()
}

fn starts(known: &str, word: &Word) -> bool {
    known.as_bytes().starts_with(word.as_bytes())
}
