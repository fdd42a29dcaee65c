//! What limits count, and how their values are written.

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes: `65536`, `64KiB`, `64 MiB`, `1.5GiB`, `2GB`.
    Bytes,
    /// Time: `500`, `500ms`, `2s`.
    Milliseconds,
    /// Anything else, by its name in the plural: `3000`, `20k`, `1.5M`.
    Of(&'static str),
}

/// What letters behind a number multiply it by. The first that fits is used to show one.
const BYTES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];
const MILLISECONDS: [(&str, u64); 2] = [("s", 1_000), ("ms", 1)];
const NUMBERS: [(&str, u64); 3] = [("G", 1_000_000_000), ("M", 1_000_000), ("k", 1_000)];

impl Unit {
    /// What is counted, in the plural.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Bytes => "bytes",
            Unit::Milliseconds => "milliseconds",
            Unit::Of(things) => things,
        }
    }

    fn letters(self) -> &'static [(&'static str, u64)] {
        match self {
            Unit::Bytes => &BYTES,
            Unit::Milliseconds => &MILLISECONDS,
            Unit::Of(_) => &NUMBERS,
        }
    }

    /// What a value may look like, for messages.
    pub fn examples(self) -> &'static str {
        match self {
            Unit::Bytes => "a number of bytes, such as 65536, 64MiB or 2GB",
            Unit::Milliseconds => "a time in milliseconds, such as 500, 500ms or 2s",
            Unit::Of(_) => "a whole number, such as 3000, 20k or 1.5M",
        }
    }

    /// Reads a value; none if it is written in another way, is no whole number, or too large.
    pub fn read(self, text: &str) -> Option<u64> {
        let text = text.trim();
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_' | ',')))
            .unwrap_or(text.len());
        let (number, letters) = text.split_at_checked(end)?;
        let letters = letters.trim_start();
        let times = match letters {
            "" => 1,
            _ => {
                let mut known = self.letters().iter();
                known
                    .find(|(known, _)| known.eq_ignore_ascii_case(letters))?
                    .1
            }
        };
        let number = number.replace(['_', ','], "");
        let (whole, part) = number.split_once('.').unwrap_or((&number, ""));
        let mut value = whole.parse::<u64>().ok()?.checked_mul(times)?;
        if !part.is_empty() {
            let scale = 10_u64.checked_pow(u32::try_from(part.len()).ok()?)?;
            let more = part.parse::<u64>().ok()?.checked_mul(times)?;
            if more % scale != 0 {
                return None;
            }
            value = value.checked_add(more / scale)?;
        }
        Some(value)
    }

    /// A value as [`Unit::read`] reads it, as short as it can be without being rounded.
    pub fn written(self, value: u64) -> String {
        let mut known = self.letters().iter();
        let known =
            known.find(|(_, times)| *times > 1 && value >= *times && value.is_multiple_of(*times));
        match known {
            Some((letters, times)) => format!("{}{letters}", value / times),
            None => value.to_string(),
        }
    }

    /// A value for people: `16777216 bytes (16 MiB)`, `3000 frames`.
    pub fn shown(self, value: u64) -> String {
        let written = self.written(value);
        match self {
            Unit::Bytes if written.ends_with('B') => {
                let letters = written.trim_start_matches(|c: char| c.is_ascii_digit());
                let number = written.trim_end_matches(letters);
                format!("{value} bytes ({number} {letters})")
            }
            unit => format!("{value} {}", unit.name()),
        }
    }
}
