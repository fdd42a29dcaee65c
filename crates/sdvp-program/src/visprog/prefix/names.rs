//! The names of a program that is being written.

use super::super::steps::{Takes, Type};

/// Greatest length of a variable's name, bytes.
pub(super) const MAX_NAME: usize = 24;

/// A name as far as it is written. Small and copied freely: a prefix is cloned for every byte of
/// every token that may follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    bytes: [u8; MAX_NAME],
    length: u8,
}

impl Word {
    pub(super) const EMPTY: Self = Self {
        bytes: [0; MAX_NAME],
        length: 0,
    };

    /// The name, if it is short enough.
    pub(super) fn new(name: &str) -> Option<Self> {
        let mut word = Self::EMPTY;
        name.bytes().try_for_each(|byte| word.push(byte))?;
        Some(word)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }

    pub(super) fn length(&self) -> usize {
        usize::from(self.length)
    }

    /// The word with one more byte, if it has room.
    pub(super) fn with(mut self, byte: u8) -> Option<Self> {
        self.push(byte)?;
        Some(self)
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(usize::from(self.length))? = byte;
        self.length += 1;
        Some(())
    }
}

/// What may stand at a place for a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Image,
    Boxes,
    /// What an expression can use.
    Scalar,
    /// Anything that a line has set: no answer is a picture as it was given.
    Computed,
}

impl Wanted {
    /// What an argument wants; `None` if it takes text.
    pub(super) fn by(takes: Takes) -> Option<Self> {
        match takes {
            Takes::Image => Some(Wanted::Image),
            Takes::Boxes => Some(Wanted::Boxes),
            Takes::Variable => Some(Wanted::Computed),
            Takes::Text => None,
        }
    }
}

/// A variable that has been set.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: Word,
    pub(super) holds: Type,
    /// Whether it is one of the pictures that the program starts from.
    pub(super) given: bool,
}

impl Variable {
    fn fits(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Image => self.holds == Type::Image,
            Wanted::Boxes => self.holds == Type::Boxes,
            Wanted::Scalar => matches!(self.holds, Type::Text | Type::Number | Type::Scalar),
            Wanted::Computed => !self.given,
        }
    }
}

/// Whether `name` is set and fits.
pub(super) fn is_set(variables: &[Variable], name: &Word, wanted: Wanted) -> bool {
    variables
        .iter()
        .any(|variable| variable.name == *name && variable.fits(wanted))
}

/// The shortest variable that fits and whose name starts with `start`.
pub(super) fn shortest<'a>(
    variables: &'a [Variable],
    start: &Word,
    wanted: Wanted,
) -> Option<&'a Word> {
    variables
        .iter()
        .filter(|variable| variable.fits(wanted))
        .map(|variable| &variable.name)
        .filter(|name| name.as_bytes().starts_with(start.as_bytes()))
        .min_by_key(|name| name.length())
}

/// `start` with one more byte, if a variable that fits goes on so.
pub(super) fn extended(
    variables: &[Variable],
    start: &Word,
    byte: u8,
    wanted: Wanted,
) -> Option<Word> {
    let longer = start.with(byte)?;
    shortest(variables, &longer, wanted).map(|_| longer)
}
