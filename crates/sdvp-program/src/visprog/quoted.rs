//! Text in quotes, as language models write it.

use super::syntax::{Cursor, is_name_part, is_name_start};
use crate::ProgramError;
use std::fmt;

/// The content of a quoted text.
#[derive(Clone, Debug, Eq)]
pub(super) struct Quoted {
    /// The content, with escapes resolved.
    pub(super) text: String,
    /// Column of the content's first character, from 1.
    start: usize,
    /// Indices, in characters of `text`, of those written with a backslash before them.
    escaped: Vec<usize>,
}

impl PartialEq for Quoted {
    /// Equal content, wherever and however it was written.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Quoted {
    /// Content that starts at column 2, as if written alone in a line.
    #[cfg(test)]
    pub(super) fn plain(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            start: 2,
            escaped: Vec::new(),
        }
    }

    /// The column in the line of the character of `text` with this index.
    pub(super) fn column(&self, index: usize) -> usize {
        self.start + index + self.escaped.partition_point(|&at| at < index)
    }
}

impl Cursor {
    /// Reads the quoted text at the cursor.
    ///
    /// An unescaped quote of the same style inside it, as in `'Disney's'`, is taken for part of
    /// the text unless the statement can go on or end after it: `)` and the line's end, or `,` and
    /// the next `name=`.
    pub(super) fn quoted(&mut self) -> Result<Quoted, ProgramError> {
        let opening = self.column();
        let quote = self.chars[self.at];
        self.at += 1;
        let start = self.column();
        let mut text = String::new();
        let mut escaped = Vec::new();
        let mut index = 0;
        while let Some(&c) = self.chars.get(self.at) {
            self.at += 1;
            let mut content = c;
            if c == '\\' {
                let resolved = match self.chars.get(self.at) {
                    Some(&next @ ('\\' | '\'' | '"')) => Some(next),
                    Some('n') => Some('\n'),
                    Some('t') => Some('\t'),
                    _ => None,
                };
                if let Some(next) = resolved {
                    self.at += 1;
                    escaped.push(index);
                    content = next;
                }
            } else if c == quote && self.ends_value() {
                return Ok(Quoted {
                    text,
                    start,
                    escaped,
                });
            }
            text.push(content);
            index += 1;
        }
        Err(self.error(
            opening,
            format!("expected a closing {quote} and `)`, found the end of the line"),
        ))
    }

    /// Whether what follows the cursor could follow an argument's value.
    fn ends_value(&self) -> bool {
        let mut rest = self.chars[self.at..].iter().copied().peekable();
        let skip_blanks = |rest: &mut std::iter::Peekable<_>| {
            while rest.next_if(|c: &char| c.is_whitespace()).is_some() {}
        };
        skip_blanks(&mut rest);
        match rest.next() {
            None => true,
            Some(')') => {
                while rest.next_if(|&c| c == ';' || c.is_whitespace()).is_some() {}
                matches!(rest.next(), None | Some('#'))
            }
            Some(',') => {
                skip_blanks(&mut rest);
                match rest.next() {
                    Some(')') => true,
                    Some(c) if is_name_start(c) => {
                        while rest.next_if(|&c| is_name_part(c)).is_some() {}
                        skip_blanks(&mut rest);
                        rest.next() == Some('=')
                    }
                    _ => false,
                }
            }
            Some(_) => false,
        }
    }
}

/// Writes text so that it reads back as the same text.
pub(super) fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write as _;
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    f.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\\' => f.write_str("\\\\")?,
            _ if c == quote => write!(f, "\\{c}")?,
            _ => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}

#[cfg(test)]
mod tests {
    use super::super::lines::StatementLine;
    use super::*;

    fn read(text: &str) -> Result<Quoted, ProgramError> {
        Cursor::new(StatementLine {
            number: 1,
            column: 1,
            text,
        })
        .quoted()
    }

    #[test]
    fn quotes_inside_the_text_do_not_end_it() {
        for (source, text) in [
            ("'plain')", "plain"),
            ("\"plain\" ) ;", "plain"),
            ("'Disney's Frozen')", "Disney's Frozen"),
            ("'the dogs' bowl', box=B)", "the dogs' bowl"),
            (r"'it\'s')", "it's"),
            (r#"'say "hi"')"#, r#"say "hi""#),
            (r"'a\\')", r"a\"),
            (r"'a\d')", r"a\d"),
            ("'a (b), c=d')", "a (b), c=d"),
            ("'a', 'b' or c')", "a', 'b' or c"),
            ("'x' # note", "x' # note"),
        ] {
            let found = read(source);
            if source.ends_with("note") {
                assert!(found.is_err(), "{source}");
            } else {
                assert_eq!(found.unwrap().text, text, "{source}");
            }
        }
    }

    #[test]
    fn columns_count_escapes() {
        let quoted = read(r"'a\'b')").unwrap();
        let columns: Vec<usize> = (0..4).map(|i| quoted.column(i)).collect();
        assert_eq!(columns, [2, 3, 5, 6]);
    }
}
