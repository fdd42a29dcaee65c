//! Text in quotes that is being written.

/// Greatest length of a text, bytes.
const MAX_TEXT: u16 = 200;

/// A text whose opening quote has been written: printable characters, with a backslash before the
/// quote and the backslash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    quote: u8,
    length: u16,
    escaped: bool,
    character: Character,
}

/// What came of a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Inside,
    /// It was the closing quote.
    Closed,
}

impl Text {
    pub(super) fn new(quote: u8) -> Self {
        Self {
            quote,
            length: 0,
            escaped: false,
            character: Character::WHOLE,
        }
    }

    /// Nothing if the byte cannot come next.
    pub(super) fn advance(&mut self, byte: u8) -> Option<Step> {
        let room = MAX_TEXT - self.length;
        if !self.character.is_whole() {
            self.character = self.character.next(byte)?;
        } else if self.escaped {
            if byte != self.quote && byte != b'\\' {
                return None;
            }
            self.escaped = false;
        } else if byte == self.quote {
            return (self.length > 0).then_some(Step::Closed);
        } else if byte == b'\\' {
            if room < 2 {
                return None;
            }
            self.escaped = true;
        } else if byte.is_ascii() {
            // A blank at the beginning would be trimmed off.
            let fits = (b' '..=b'~').contains(&byte) && (byte != b' ' || self.length > 0);
            if room < 1 || !fits {
                return None;
            }
        } else {
            let character = Character::lead(byte)?;
            if room < 1 + u16::from(character.missing) {
                return None;
            }
            self.character = character;
        }
        self.length += 1;
        Some(Step::Inside)
    }

    /// The next byte on a short way to the closing quote, and that quote itself.
    pub(super) fn finishing(&self) -> u8 {
        if !self.character.is_whole() {
            self.character.low
        } else if self.escaped || self.length > 0 {
            self.quote
        } else {
            b'a'
        }
    }

    /// So many bytes of whole characters that are neither quotes, backslashes nor control
    /// characters can come next, whatever they are.
    pub(super) fn room(&self) -> usize {
        if self.character.is_whole() && !self.escaped && self.length > 0 {
            usize::from(MAX_TEXT - self.length)
        } else {
            0
        }
    }
}

/// A character of several bytes in UTF-8: how many are missing, and between which bounds the next
/// of them lies (table 3-7 of the Unicode standard, version 15).
#[derive(Clone, Copy, Debug)]
struct Character {
    missing: u8,
    low: u8,
    high: u8,
}

impl Character {
    const WHOLE: Self = Self {
        missing: 0,
        low: 0x80,
        high: 0xBF,
    };

    fn is_whole(self) -> bool {
        self.missing == 0
    }

    fn lead(byte: u8) -> Option<Self> {
        let (missing, low, high) = match byte {
            // From U+00A0 on: what lies between is control characters.
            0xC2 => (1, 0xA0, 0xBF),
            0xC3..=0xDF => (1, 0x80, 0xBF),
            0xE0 => (2, 0xA0, 0xBF),
            0xED => (2, 0x80, 0x9F),
            0xE1..=0xEF => (2, 0x80, 0xBF),
            0xF0 => (3, 0x90, 0xBF),
            0xF1..=0xF3 => (3, 0x80, 0xBF),
            0xF4 => (3, 0x80, 0x8F),
            _ => return None,
        };
        Some(Self { missing, low, high })
    }

    fn next(self, byte: u8) -> Option<Self> {
        (self.low..=self.high).contains(&byte).then_some(Self {
            missing: self.missing - 1,
            ..Self::WHOLE
        })
    }
}
